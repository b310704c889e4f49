import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseUnusableError, OpsError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import type { QueuedTable, TaskId } from '../queue/queue.ts'
import { isSettled, type Status } from '../task/lifecycle.ts'
import { logFile } from '../worker/task-log.ts'

const POLL_INTERVAL_MS = 100

/** Between looks for a database that is gone. */
const RETRY_MS = 500

/** After this long in the queue, a missing worker may be the cause. */
const HINT_AFTER_MS = 3000

/** The columns of a task that are shown while it is followed. */
export interface TaskSnapshot {
  readonly id: TaskId
  readonly status: Status
  readonly attempt: number
  readonly progress: number | null
  readonly progressNote: string | null
  readonly error: string | null
}

/** Shows a task while it is followed. */
export interface TaskView {
  changed(task: TaskSnapshot): void
  output(text: string): void
  hint(text: string): void
}

export interface FollowOptions {
  readonly skippedAttempts?: number | undefined
  readonly giveUpAt?: number | undefined
}

/**
 * Waits until a task has ended, and shows its output and its changes until then.
 *
 * @param options `skippedAttempts`: attempts up to this one are history, whose logs are not shown; `giveUpAt`: on the clock of
 *   `performance.now()`, when it returns the task as it is
 */
export async function followTask(
  { queue, stateDirectory }: Pick<Project, 'queue' | 'stateDirectory'>,
  { table, processor }: QueuedTable,
  id: TaskId,
  view: TaskView,
  { skippedAttempts = 0, giveUpAt = Number.POSITIVE_INFINITY }: FollowOptions = {},
): Promise<TaskSnapshot> {
  const started = performance.now()
  let hasHinted = false
  let hasSeen = false
  let isMissing = false
  let isReplaced = false
  queue.onReplaced = () => {
    isReplaced = true
    view.hint(`Another file has taken the place of ${queue.name}; following the task there.`)
  }
  let log: LogTail | undefined
  for (;;) {
    let task: TaskSnapshot | undefined
    try {
      task = (await queue.find(table, id)) as unknown as TaskSnapshot | undefined
    } catch (error) {
      if (!hasSeen || !(error instanceof DatabaseUnusableError)) throw error
      if (!isMissing) view.hint(`${error.message} Waiting for it.`)
      isMissing = true
      await delay(RETRY_MS)
      continue
    }
    hasSeen = true
    isMissing = false
    if (!task && isReplaced) {
      const message = `Another file has taken the place of ${queue.name}, and it has no ${processor} ${id}.`
      throw new OpsError('TASK_NOT_FOUND', message, { suggestions: ['ops tasks'] })
    }
    if (!task) throw new OpsError('TASK_DELETED', `${processor} ${id} was deleted.`)
    if (log?.attempt !== task.attempt && task.attempt > skippedAttempts) {
      log?.read((text) => view.output(text))
      log = new LogTail(logFile(stateDirectory, table.name, id, task.attempt), task.attempt)
    }
    if (!isSettled(task.status)) view.changed(task)
    log?.read((text) => view.output(text))
    if (isSettled(task.status)) {
      // The rest of the output comes first: the log is complete once a task is settled.
      view.changed(task)
      return task
    }
    if (performance.now() >= giveUpAt) {
      view.hint(
        `${processor} ${id} is still ${task.status}, and is no longer waited for. Follow it: ops tasks logs ${processor} ${id} -f`,
      )
      return task
    }
    if (task.status === 'pending' && !hasHinted && performance.now() - started > HINT_AFTER_MS) {
      hasHinted = true
      if ((await queue.livingWorkers()).length === 0) view.hint('No worker is running. Start one: ops worker')
    }
    await delay(POLL_INTERVAL_MS)
  }
}

/** Reads what was appended to a log since the last read. */
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
      // Not written yet, or on another machine.
      return
    }
    const chunk = Buffer.alloc(64 * 1024)
    try {
      // The worker has left out the middle of a log that was too long.
      this.#position = Math.min(this.#position, fstatSync(fd).size)
      for (;;) {
        const length = readSync(fd, chunk, 0, chunk.length, this.#position)
        if (length === 0) return
        this.#position += length
        // A character may be cut in two by the chunk or by the writer.
        onText(this.#decoder.write(chunk.subarray(0, length)))
      }
    } finally {
      closeSync(fd)
    }
  }
}
