import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivateFolder } from '../platform/private-file.ts'

/** A log beyond this size is rotated, replacing the one rotated before. */
const MAX_BYTES = 10 * 1024 * 1024

/** The folder of service logs in a state directory. */
export function serviceLogsDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'logs', 'services')
}

export function serviceLogFile(directory: string, name: string): string {
  return join(directory, `${name}.log`)
}

/** The older part of a log. */
export function rotatedFile(file: string): string {
  return `${file}.1`
}

export interface LogsOptions {
  /** Called once for each log that cannot be written. */
  readonly onError: (file: string, error: Error) => void
  /** @default 10 MiB */
  readonly maxBytes?: number
}

interface OpenLog {
  readonly fd: number
  bytes: number
}

/** Keeps the output of services: one file each, every line prefixed with the time it arrived. */
export class ServiceLogs {
  readonly #directory: string
  readonly #options: LogsOptions
  readonly #logs = new Map<string, OpenLog>()
  readonly #failing = new Set<string>()

  constructor(directory: string, options: LogsOptions) {
    this.#directory = directory
    this.#options = options
    try {
      // Now: after a kill, the guardian writes there.
      createPrivateFolder(directory)
    } catch {
      // The first line will report it.
    }
  }

  /**
   * Writes synchronously, so that nothing is lost with this process.
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
      // The disk may be full: the service goes on, and its output is still shown.
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
    if (log.bytes === 0 || log.bytes + bytes <= (this.#options.maxBytes ?? MAX_BYTES)) return log
    closeSync(log.fd)
    this.#logs.delete(name)
    renameSync(this.#file(name), rotatedFile(this.#file(name)))
    return this.#open(name)
  }

  #open(name: string): OpenLog {
    // Also for reading: what the guardian wrote may have ended in the middle of a line.
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
