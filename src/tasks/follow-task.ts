import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { isSettled, type Status } from '../task/lifecycle.ts'
import { logFile } from '../worker/task-log.ts'

const LOOK_EVERY_MS = 100

/** A task that nobody takes for so long deserves a word about workers. */
const PATIENCE_MS = 3000

/** A task as it is followed. */
export interface FollowedRow {
  readonly id: TaskId
  readonly status: Status
  readonly attempt: number
  readonly progress: number | null
  readonly progressNote: string | null
  readonly error: string | null
}

/** Shows a task while it is followed. */
export interface TaskView {
  changed(task: FollowedRow): void
  output(text: string): void
  hint(text: string): void
}

/**
 * Waits until a task has ended and shows what happens to it until then.
 *
 * @param passOver the attempts up to this one are history, and their logs are not shown
 */
export async function followTask(
  { queue, stateDirectory }: Pick<Project, 'queue' | 'stateDirectory'>,
  { table, processor }: QueuedTable,
  id: TaskId,
  view: TaskView,
  passOver = 0,
): Promise<FollowedRow> {
  const started = performance.now()
  let hasHinted = false
  let log: LogTail | undefined
  for (;;) {
    const task = (await queue.find(table, id)) as unknown as FollowedRow | undefined
    if (!task) throw new Error(`${processor} ${id} was deleted.`)
    if (log?.attempt !== task.attempt && task.attempt > passOver) {
      log?.read((text) => view.output(text))
      log = new LogTail(logFile(stateDirectory, table.name, id, task.attempt), task.attempt)
    }
    if (!isSettled(task.status)) view.changed(task)
    log?.read((text) => view.output(text))
    if (isSettled(task.status)) {
      // Its last words come before the end: the log is whole when a task is settled.
      view.changed(task)
      return task
    }
    if (task.status === 'pending' && !hasHinted && performance.now() - started > PATIENCE_MS) {
      hasHinted = true
      if (!(await queue.hasLivingWorker())) view.hint('no worker is running; start one: ops worker')
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Reads what was appended to a log since the last time. */
class LogTail {
  readonly attempt: number
  readonly #file: string
  readonly #decoder = new StringDecoder()
  #position = 0

  constructor(file: string, attempt: number) {
    this.#file = file
    this.attempt = attempt
  }

  read(onText: (text: string) => void): void {
    let fd: number
    try {
      fd = openSync(this.#file, 'r')
    } catch {
      // Not written yet, or written on another machine.
      return
    }
    const chunk = Buffer.alloc(64 * 1024)
    try {
      for (;;) {
        const length = readSync(fd, chunk, 0, chunk.length, this.#position)
        if (length === 0) return
        this.#position += length
        // A character may be cut in two by the chunk, or by whoever is writing it.
        onText(this.#decoder.write(chunk.subarray(0, length)))
      }
    } finally {
      closeSync(fd)
    }
  }
}
