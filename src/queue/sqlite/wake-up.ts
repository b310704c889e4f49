import { type FSWatcher, readFileSync, watch, writeFileSync } from 'node:fs'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Statement } from 'better-sqlite3'
import type { SqliteDatabase } from './open-database.ts'

/** After a hint the commit itself may be a flush of the disk away. */
const LOOK_AGAIN_MS = 25

/** For so long the event loop turns between looks; later a millisecond is slept. */
const LOOK_CLOSELY_MS = 2

/**
 * Knows when somebody else has committed: by the write-ahead log, which every writer in any language appends to, and by
 * a small wake file that ops' own writers touch. Both are hints; `data_version` says whether it was so.
 */
export class WakeUp {
  readonly #walFile: string
  readonly #wakeFile: string
  #walWatcher: FSWatcher | undefined
  #wakeWatcher: FSWatcher | undefined
  readonly #dataVersion: Statement
  #seen: unknown
  #hinted = false
  #onHint: (() => void) | undefined
  #isRung = false
  readonly #ringers = new Set<number>()

  constructor(database: SqliteDatabase) {
    this.#walFile = `${database.name}-wal`
    this.#wakeFile = `${database.name}-wake`
    this.#dataVersion = database.prepare('pragma data_version').pluck()
    this.#seen = this.#dataVersion.get()
  }

  /** Begins to listen for rings. Where the system has no more watches to give, the poll alone goes on. */
  listen(): void {
    this.ring()
    this.#wakeWatcher = watchFile(this.#wakeFile, () => {
      this.#isRung = true
      this.#noteRinger()
      this.#hint()
    })
  }

  /**
   * Stops watching the log until the next wait: each write to a watched file makes an event, which costs a worker that
   * drains the queue a third of its speed.
   */
  ignoreLog(): void {
    this.#walWatcher?.close()
    this.#walWatcher = undefined
  }

  /** Tells the workers on this file that something changed, or that somebody waits for the lock. */
  ring(): void {
    try {
      writeFileSync(this.#wakeFile, String(process.pid))
    } catch {
      // A hint that cannot be given; the poll finds the change.
    }
  }

  /** Whether this process is known to ring when it wants in. */
  rings(pid: number): boolean {
    return this.#ringers.has(pid)
  }

  #noteRinger(): void {
    try {
      this.#ringers.add(Number(readFileSync(this.#wakeFile, 'utf8')))
    } catch {
      // Who it was is a help, not a need.
    }
  }

  /** Whether somebody rang since the last time this was asked. */
  takeRing(): boolean {
    const isRung = this.#isRung
    this.#isRung = false
    return isRung
  }

  /** Whether another connection has committed since the last time this was asked. */
  hasChanged(): boolean {
    const version = this.#dataVersion.get()
    if (version === this.#seen) return false
    this.#seen = version
    return true
  }

  /** Resolves true as soon as somebody has committed, false when the time has passed or the signal aborts. */
  async changed(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + milliseconds
    // Before the first look, so that no commit falls between the two.
    this.#walWatcher ??= watchFile(this.#walFile, () => this.#hint())
    for (;;) {
      if (this.hasChanged()) return true
      const left = end - performance.now()
      if (left <= 0 || signal.aborted) return false
      if (this.#hinted || (await this.#nextHint(left, signal))) {
        this.#hinted = false
        if (await this.#lookAgain(signal)) return true
      }
    }
  }

  close(): void {
    this.ignoreLog()
    this.#wakeWatcher?.close()
  }

  #hint(): void {
    this.#hinted = true
    this.#onHint?.()
  }

  #nextHint(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (hinted: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#onHint = undefined
        resolve(hinted)
      }
      const stop = () => finish(false)
      const timer = setTimeout(stop, milliseconds)
      this.#onHint = () => finish(true)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  async #lookAgain(signal: AbortSignal): Promise<boolean> {
    const started = performance.now()
    for (;;) {
      if (this.hasChanged()) return true
      const passed = performance.now() - started
      if (passed > LOOK_AGAIN_MS || signal.aborted) return false
      if (passed < LOOK_CLOSELY_MS) await turn()
      else await delay(1)
    }
  }
}

/** A watch that does not keep the process, or none where the system gives none: the poll is the truth. */
function watchFile(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(file, { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
