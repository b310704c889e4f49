import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs'
import { formatBytes } from '../format.ts'

/** How much of a task's output is kept. */
export const MAX_LOG_BYTES = 100_000_000

/** A program that prints without an end writes hundreds of megabytes a second. */
const EVERY_MS = 50

/** Looks for what is written while the end is read. */
const MOST_LOOKS = 20

/**
 * Keeps the log of a run within a size: its beginning, which says what was started, and its end, which says why it
 * failed. Programs write to the file themselves, so it is looked at while they do; since everybody appends, what is
 * written after it was cut follows what is left.
 */
export class LogBound {
  readonly #fd: number
  readonly #limit: number
  #timer: NodeJS.Timeout | undefined
  /** Where the first part ends, once something was left out. */
  #head: number | undefined
  #leftOut = 0
  /** The length of what says so. */
  #notice = 0

  /** @param fd open for reading and appending */
  constructor(fd: number, limit: number) {
    this.#fd = fd
    this.#limit = limit
  }

  /** Looks at the log from now on. */
  start(): void {
    this.#timer ??= setInterval(() => this.check(), EVERY_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.check()
  }

  check(): void {
    try {
      const { size } = fstatSync(this.#fd)
      if (size > this.#limit) this.#cut(size)
    } catch {
      // A disk that fails must not end the worker; the next look tries again.
    }
  }

  #cut(size: number): void {
    this.#head ??= this.#lineEndBefore(Math.floor(this.#limit / 2))
    const end = Math.floor(this.#limit / 4)
    let tail = this.#read(size - end, size)
    let length = size
    // What is written meanwhile is the end: it takes ever less time to read.
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const now = fstatSync(this.#fd).size
      if (now === length) break
      tail = Buffer.concat([tail, this.#read(Math.max(length, now - end), now)]).subarray(-end)
      length = now
    }
    const kept = tail.subarray(tail.indexOf(10) + 1)
    this.#leftOut += length - this.#head - this.#notice - kept.length
    const notice = Buffer.from(
      `\n── about ${formatBytes(this.#leftOut)} left out: a log is at most ${formatBytes(this.#limit)} long (worker.maxLog)\n\n`,
    )
    this.#notice = notice.length
    ftruncateSync(this.#fd, this.#head)
    writeSync(this.#fd, Buffer.concat([notice, kept]))
  }

  #lineEndBefore(position: number): number {
    const from = Math.max(0, position - 64 * 1024)
    const end = this.#read(from, position).lastIndexOf(10)
    return end < 0 ? position : from + end + 1
  }

  #read(from: number, to: number): Buffer {
    const bytes = Buffer.alloc(to - from)
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, bytes.length, from))
  }
}
