import { closeSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createPrivateFolder } from '../platform/private-file.ts'
import type { TaskId } from '../queue/queue.ts'

/** The log of one run. Its file is created with the first line, since most short tasks never write one. */
export class TaskLog {
  readonly file: string
  #opened: number | undefined

  constructor(file: string) {
    this.file = file
  }

  /** For child processes, which write here directly: O_APPEND keeps the lines of several writers whole. */
  get fd(): number {
    if (this.#opened === undefined) {
      createPrivateFolder(dirname(this.file))
      this.#opened = openSync(this.file, 'a', 0o600)
    }
    return this.#opened
  }

  write(line: string): void {
    writeSync(this.fd, line.endsWith('\n') ? line : `${line}\n`)
  }

  close(): void {
    if (this.#opened !== undefined) closeSync(this.#opened)
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
