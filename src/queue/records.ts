import type { Status } from '../task/lifecycle.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import type { QueuedTable, TaskId } from './queue.ts'

/** The worker of runs that a writer other than ops began, by `status = 'ongoing'` in SQL. */
export const FOREIGN_WRITER = 'sql'

export interface RunRecord {
  readonly id: number
  readonly attempt: number
  readonly workerId: string
  readonly exclusiveKey: string | undefined
  readonly startedAt: Date
  readonly deadlineAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly outcome: string | undefined
  readonly error: string | undefined
}

export interface AuditEntry {
  readonly id: number
  readonly at: Date
  readonly taskTable: string | undefined
  readonly taskId: TaskId | undefined
  readonly runId: number | undefined
  readonly event: string
  readonly fromStatus: string | undefined
  readonly toStatus: string | undefined
  readonly actor: string | undefined
  /** Parsed. */
  readonly detail: unknown
}

export interface AuditFilter {
  readonly table?: string | undefined
  readonly taskId?: TaskId | undefined
  /** Only entries with a greater id. */
  readonly after?: number | undefined
  readonly limit: number
}

export const MOST_COUNTED = 1000

export interface TasksAhead {
  readonly processor: string
  readonly count: number
}

/** What happened, for people who look. */
export interface Records {
  /** The names of all tables that have been made task tables, also of plugins that are gone. */
  tables(): Promise<string[]>
  /** The tasks of one table that have one of the statuses (all when empty), the newest first. */
  tasks(
    table: TaskTable,
    filter: { statuses: readonly Status[]; limit: number },
  ): Promise<Readonly<Record<string, unknown>>[]>
  /**
   * How many due tasks a worker looks at before this one, in each of the tables; at most MOST_COUNTED of one table, since
   * nobody wants to wait for the count of a million. Some of them may have to wait themselves.
   *
   * @param before the tables that a worker looks at first
   */
  ahead(task: { queued: QueuedTable; id: TaskId }, before: readonly QueuedTable[]): Promise<TasksAhead[]>
  /** The runs of a task, the oldest first. */
  runs(table: TaskTable, id: TaskId): Promise<RunRecord[]>
  /** The newest entries that the filter lets through, the oldest of them first; with `after`, the first ones behind that id. */
  audit(filter: AuditFilter): Promise<AuditEntry[]>
}
