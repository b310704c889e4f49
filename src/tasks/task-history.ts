import { statSync } from 'node:fs'
import { OpsError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import type { AuditEntry, RunRecord } from '../queue/records.ts'
import { logFile } from '../worker/task-log.ts'
import { findTask, type Task } from './find-task.ts'

/** A task that reports often has many audit entries; the newest are shown. */
const AUDIT_LIMIT = 1000

export interface TaskHistory {
  readonly task: Task
  readonly runs: readonly RunRecord[]
  readonly audit: readonly AuditEntry[]
  readonly logs: readonly AttemptLog[]
}

/** The log of one attempt at a task. */
export interface AttemptLog {
  readonly attempt: number
  readonly file: string
  /** Undefined where there is no such file: nothing was printed, or the attempt ran on another machine. */
  readonly bytes: number | undefined
}

/** A task with its runs, its audit trail and its logs. */
export async function readHistory(project: Project, processor: string, id: string): Promise<TaskHistory> {
  const task = await findTask(project, processor, id)
  const { records } = project.queue
  const table = task.queued.table
  const [runs, audit] = await Promise.all([
    records.runs(table, task.id),
    records.audit({ table: table.name, taskId: task.id, limit: AUDIT_LIMIT }),
  ])
  return { task, runs, audit, logs: logsOf(project, task, runs) }
}

/**
 * The log of an attempt, or of the latest one; undefined where the task has not started.
 *
 * @throws OpsError NO_SUCH_ATTEMPT
 */
export async function findLog(
  project: Project,
  task: Task,
  attempt: number | undefined,
): Promise<AttemptLog | undefined> {
  const logs = logsOf(project, task, await project.queue.records.runs(task.queued.table, task.id))
  if (attempt === undefined) return logs.at(-1)
  const log = logs.find((known) => known.attempt === attempt)
  if (log) return log
  const attempts = logs.map((known) => known.attempt)
  const message = attempts.length > 0 ? `${task.name} has no attempt ${attempt}.` : `${task.name} has not started yet.`
  throw new OpsError('NO_SUCH_ATTEMPT', message, {
    suggestions: attempts.length > 0 ? [`use one of: ${attempts.join(', ')}`] : [`ops tasks why ${task.name}`],
  })
}

/** The logs of all attempts, the oldest first. */
function logsOf({ stateDirectory }: Project, { queued, id }: Task, runs: readonly RunRecord[]): AttemptLog[] {
  // An attempt that was given back runs again with its number, into the same file.
  const attempts = [...new Set(runs.map(({ attempt }) => attempt))]
  return attempts.map((attempt) => {
    const file = logFile(stateDirectory, queued.table.name, id, attempt)
    return { attempt, file, bytes: statSync(file, { throwIfNoEntry: false })?.size }
  })
}
