import type { Project } from '../project/open-project.ts'
import type { AuditEntry, RunRecord } from '../queue/records.ts'
import { findTask, type Task } from './find-task.ts'
import { type AttemptLog, taskLogs } from './task-logs.ts'

/** A task that reports often has many entries; these are the newest. */
const ENTRIES = 1000

export interface TaskHistory {
  readonly task: Task
  readonly runs: readonly RunRecord[]
  readonly audit: readonly AuditEntry[]
  readonly logs: readonly AttemptLog[]
}

/** All that is known of one task. */
export async function showTask(project: Project, processor: string, id: string): Promise<TaskHistory> {
  const task = await findTask(project, processor, id)
  const { records } = project.queue
  const table = task.queued.table
  const [runs, audit, logs] = await Promise.all([
    records.runs(table, task.id),
    records.audit({ table: table.name, taskId: task.id, limit: ENTRIES }),
    taskLogs(project, task),
  ])
  return { task, runs, audit, logs }
}
