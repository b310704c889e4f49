import type { RetryRules } from '../task/retry-rules.ts'
import type { TaskTable } from '../task-table/task-table.ts'

/** A task table and the rules by which its tasks are claimed and settled. */
export interface QueuedTable {
  /** The name of the processor, by which people know its tasks: `build 42`. */
  readonly processor: string
  readonly table: TaskTable
  /** Tables with a smaller priority come first. */
  readonly priority: number
  readonly exclusivity: Exclusivity
  /** Columns that reference another task table: a task waits until the tasks they reference are settled. */
  readonly after: readonly Prerequisite[]
  /** No two unsettled tasks have the same values in these columns. Empty: no such rule. */
  readonly unique: readonly string[]
  /** Milliseconds; sets `deadline_at`. */
  readonly timeout: number | undefined
  readonly retryRules: RetryRules
}

export interface Prerequisite {
  /** The column's name in the database. */
  readonly column: string
  /** The task table that it references. */
  readonly table: string
}

/** The key that at most one open run may have. */
export type Exclusivity =
  | { readonly kind: 'none' }
  /** One key for the whole table. */
  | { readonly kind: 'table'; readonly key: string }
  /** One key for each value of a column: `<name>:<value>`. */
  | { readonly kind: 'column'; readonly name: string; readonly column: string }

export type TaskId = number | string

/** A task that was added, or, where `unique` applies, the unsettled task that was already there. */
export interface EnqueuedTask<Id extends TaskId = TaskId> {
  /** By which people know the task: `build 42`. */
  readonly id: Id
  /** Whether it was added; `false` if `unique` found an unsettled task with the same values. */
  readonly isNew: boolean
  /** When the task that was already there would have been due, if it was scheduled for later and is due now instead. */
  readonly scheduledFor?: Date
}
