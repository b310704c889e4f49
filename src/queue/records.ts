import type { Status } from '../task/lifecycle.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import type { QueuedTable, TaskId } from './queued-table.ts'
import type { DatabaseColumn } from './table-columns.ts'

/** The worker id of runs that a client other than ops started, by `status = 'ongoing'` in SQL. */
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
  /** Only entries with a higher id. */
  readonly after?: number | undefined
  readonly limit: number
}

/** Tasks ahead are counted up to here: counting a million takes too long. */
export const MOST_COUNTED = 1000

export interface TasksAhead {
  readonly processor: string
  readonly count: number
}

export interface DueTask {
  readonly id: TaskId
  readonly since: Date
}

/** What the commands that show things read. */
export interface Records {
  /** The names of all task tables, including those of plugins that are no longer installed. */
  tables(): Promise<string[]>
  /** The columns of any table, in their order; undefined if the table does not exist. */
  columns(table: string): Promise<DatabaseColumn[] | undefined>
  /** The tasks of a table with one of these statuses (any, if empty), newest first. */
  tasks(
    table: TaskTable,
    filter: { statuses: readonly Status[]; limit: number },
  ): Promise<Readonly<Record<string, unknown>>[]>
  /**
   * How many due tasks are ahead of this one, by table, up to MOST_COUNTED each. Some of them may be waiting too.
   *
   * @param before the tables that come before its own
   */
  ahead(task: { queued: QueuedTable; id: TaskId }, before: readonly QueuedTable[]): Promise<TasksAhead[]>
  /** The pending task of a table that has been due for the longest time, whether or not it may run now. */
  oldestDue(table: TaskTable): Promise<DueTask | undefined>
  /** The runs of a task, oldest first. */
  runs(table: TaskTable, id: TaskId): Promise<RunRecord[]>
  /** The newest entries that match, oldest first; with `after`, the first ones after that id. */
  audit(filter: AuditFilter): Promise<AuditEntry[]>
}
