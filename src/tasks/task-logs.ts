import { statSync } from 'node:fs'
import type { Project } from '../project/open-project.ts'
import { logFile } from '../worker/task-log.ts'
import type { Task } from './find-task.ts'
import { NoSuchAttemptError } from './task-errors.ts'

/** The log of one attempt at a task. */
export interface AttemptLog {
  readonly attempt: number
  readonly file: string
  /** Undefined where there is no such file: nothing was printed, or the attempt was made on another machine. */
  readonly bytes: number | undefined
}

/** The logs of all attempts, the oldest first. */
export async function taskLogs({ queue, stateDirectory }: Project, { queued, id }: Task): Promise<AttemptLog[]> {
  const runs = await queue.records.runs(queued.table, id)
  // An attempt that was given back is made again under its number, in the same file.
  const attempts = [...new Set(runs.map(({ attempt }) => attempt))]
  return attempts.map((attempt) => {
    const file = logFile(stateDirectory, queued.table.name, id, attempt)
    return { attempt, file, bytes: statSync(file, { throwIfNoEntry: false })?.size }
  })
}

/**
 * The log of an attempt, or of the latest one; undefined when the task has not been begun.
 *
 * @throws NoSuchAttemptError
 */
export async function findLog(
  project: Project,
  task: Task,
  attempt: number | undefined,
): Promise<AttemptLog | undefined> {
  const logs = await taskLogs(project, task)
  if (attempt === undefined) return logs.at(-1)
  const log = logs.find((known) => known.attempt === attempt)
  if (log) return log
  const attempts = logs.map((known) => known.attempt)
  throw new NoSuchAttemptError(task.name, attempt, attempts)
}
