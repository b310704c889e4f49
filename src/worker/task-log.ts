import { closeSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createPrivateFolder } from '../platform/private-file.ts'
import type { TaskId } from '../queue/queue.ts'
import { LogBound, MAX_LOG_BYTES } from './log-bound.ts'

/** The log of one run. Its file is created with the first line, since most short tasks never write one. */
export class TaskLog {
  readonly file: string
  readonly #limit: number
  #opened: number | undefined
  #bound: LogBound | undefined
  #written = 0

  constructor(file: string, limit = MAX_LOG_BYTES) {
    this.file = file
    this.#limit = limit
  }

  /** For child processes, which write here directly: O_APPEND keeps the lines of several writers whole. */
  get fd(): number {
    const fd = this.#open()
    this.#bound?.start()
    return fd
  }

  #open(): number {
    if (this.#opened === undefined) {
      createPrivateFolder(dirname(this.file))
      this.#opened = openSync(this.file, 'a+', 0o600)
      this.#bound = new LogBound(this.#opened, this.#limit)
    }
    return this.#opened
  }

  write(line: string): void {
    this.#written += writeSync(this.#open(), line.endsWith('\n') ? line : `${line}\n`)
    // A loop without a pause lets no timer run.
    if (this.#written < this.#limit / 4) return
    this.#written = 0
    this.#bound?.check()
  }

  close(): void {
    this.#bound?.stop()
    if (this.#opened !== undefined) closeSync(this.#opened)
    this.#bound = undefined
    this.#opened = undefined
  }
}

/** The file with the output of one attempt at a task. */
export function logFile(stateDirectory: string, table: string, id: TaskId, attempt: number): string {
  return join(logFolder(stateDirectory, table), `${id}.${attempt}.log`)
}

/** Where the logs of the tasks of a table are. */
export function logFolder(stateDirectory: string, table: string): string {
  return join(stateDirectory, 'logs', table)
}
