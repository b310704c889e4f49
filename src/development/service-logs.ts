import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A log that has grown beyond this is put aside, in place of the one that was put aside before. */
const largestBytes = 10 * 1024 * 1024

/** The folder of the logs of services in a state directory. */
export function serviceLogsDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'logs', 'services')
}

export function serviceLogFile(directory: string, name: string): string {
  return join(directory, `${name}.log`)
}

/** Where the older part of a log is. */
export function asideFile(file: string): string {
  return `${file}.1`
}

export interface LogsOptions {
  /** Called when a log cannot be written, once for each. */
  readonly onError: (file: string, error: Error) => void
  /** @default 10 MiB */
  readonly largestBytes?: number
}

interface OpenLog {
  readonly fd: number
  bytes: number
}

/** Keeps what services write: a file for each, each line behind the time of its arrival. */
export class ServiceLogs {
  readonly #directory: string
  readonly #options: LogsOptions
  readonly #logs = new Map<string, OpenLog>()
  readonly #failing = new Set<string>()

  constructor(directory: string, options: LogsOptions) {
    this.#directory = directory
    this.#options = options
    try {
      // At once: the last words after a kill are written by another process.
      mkdirSync(directory, { recursive: true })
    } catch {
      // The first line says so.
    }
  }

  /**
   * Writes at once, so that nothing is lost with this process.
   *
   * @param text whole lines
   */
  append(name: string, text: string): void {
    const stamp = `${new Date().toISOString()} `
    const bytes = Buffer.from(`${stamp}${text.slice(0, -1).replaceAll('\n', `\n${stamp}`)}\n`)
    try {
      const log = this.#logWithRoomFor(bytes.length, name)
      log.bytes += writeAll(log.fd, bytes)
      this.#failing.delete(name)
    } catch (error) {
      // The disk is full, say: the service goes on, and what it writes is shown.
      if (!this.#failing.has(name)) this.#options.onError(this.#file(name), error as Error)
      this.#failing.add(name)
    }
  }

  close(): void {
    for (const { fd } of this.#logs.values()) closeSync(fd)
    this.#logs.clear()
  }

  #logWithRoomFor(bytes: number, name: string): OpenLog {
    const log = this.#logs.get(name) ?? this.#open(name)
    if (log.bytes === 0 || log.bytes + bytes <= (this.#options.largestBytes ?? largestBytes)) return log
    closeSync(log.fd)
    this.#logs.delete(name)
    renameSync(this.#file(name), asideFile(this.#file(name)))
    return this.#open(name)
  }

  #open(name: string): OpenLog {
    // For reading too: the last words after a kill can have ended in the middle of a line.
    const fd = openSync(this.#file(name), 'a+', 0o600)
    const log = { fd, bytes: fstatSync(fd).size }
    this.#logs.set(name, log)
    const last = Buffer.alloc(1)
    if (log.bytes > 0 && readSync(fd, last, 0, 1, log.bytes - 1) === 1 && last.toString() !== '\n') {
      log.bytes += writeAll(fd, Buffer.from('\n'))
    }
    return log
  }

  #file(name: string): string {
    return serviceLogFile(this.#directory, name)
  }
}

function writeAll(fd: number, bytes: Buffer): number {
  let written = 0
  while (written < bytes.length) written += writeSync(fd, bytes, written)
  return written
}
