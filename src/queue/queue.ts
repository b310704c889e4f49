import type { RecordedGroup } from '../platform/process-group.ts'
import type { Status } from '../task/lifecycle.ts'
import type { Outcome } from '../task/outcome.ts'
import type { RetryRules } from '../task/try-again.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import type { Check } from './check.ts'
import type { Holds } from './holds.ts'
import type { Records } from './records.ts'
import type { Schedules } from './schedules.ts'

/** A task table together with the rules by which its tasks are claimed and ended. */
export interface QueuedTable {
  /** The name of the processor, by which people know the tasks: `build 42`. */
  readonly processor: string
  readonly table: TaskTable
  /** Smaller first. */
  readonly priority: number
  readonly exclusivity: Exclusivity
  /** Columns that reference another task table: a task waits until the tasks that they name are settled. */
  readonly after: readonly Prerequisite[]
  /** Of the tasks that are pending or ongoing, no two have the same values in these columns. Empty: any two may. */
  readonly unique: readonly string[]
  /** Milliseconds; bounds `deadline_at`. */
  readonly timeout: number | undefined
  readonly retryRules: RetryRules
}

export interface Prerequisite {
  /** The column's name in the database. */
  readonly column: string
  /** The task table that it references. */
  readonly table: string
}

/** What at most one open run may hold at once. */
export type Exclusivity =
  | { readonly kind: 'none' }
  /** One key for the whole table. */
  | { readonly kind: 'table'; readonly key: string }
  /** A key for each value of a column: `<name>:<value>`. */
  | { readonly kind: 'column'; readonly name: string; readonly column: string }

export type TaskId = number | string

/** One attempt at one task: the fence that every write about it names. */
export interface Run {
  /** Grows with every run and is never given twice. */
  readonly id: number
  readonly queued: QueuedTable
  readonly taskId: TaskId
  readonly attempt: number
  readonly deadlineAt: Date | undefined
}

/** A task that is now this worker's, as its row was when the run began. */
export interface Claim {
  readonly run: Run
  /** The first prerequisite that is settled and did not succeed; such a task is not to be performed. */
  readonly unmet: UnmetPrerequisite | undefined
  /** Decoded when it is read, which throws where the row holds what the table's types do not allow. */
  readonly task: Readonly<Record<string, unknown>>
}

export interface UnmetPrerequisite {
  readonly table: string
  readonly id: TaskId
  /** Undefined when there is no such task. */
  readonly status: Status | undefined
}

/** An open run as recovery sees it. */
export interface OpenRun {
  readonly id: number
  readonly taskTable: string
  readonly taskId: TaskId
  readonly attempt: number
  readonly workerId: string
  readonly exclusiveKey: string | undefined
  readonly startedAt: Date
  /** Milliseconds since its deadline, by the database's clock; undefined before it. */
  readonly overdue: number | undefined
  readonly bootId: string | undefined
  readonly processGroups: readonly RecordedGroup[]
  /** Who asked for the task's end, if anybody did. */
  readonly cancelRequestedBy: string | undefined
  /** How many earlier runs of this task died with their worker. */
  readonly crashes: number
}

export interface WorkerIdentity {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly version: string
}

/** Whether a run is still this worker's, and who asked for its end, if anybody did. */
export interface RunState {
  readonly isHeld: boolean
  readonly cancelRequestedBy: string | undefined
}

export interface EnqueueOptions {
  readonly runAt?: Date | undefined
  /** For the audit trail: who asks. */
  readonly actor?: string | undefined
}

/** A task that was added, or the one that was there already where no two of its kind may wait at once. */
export interface EnqueuedTask<Id extends TaskId = TaskId> {
  /** By which people name the task: `build 42`. */
  readonly id: Id
  /** Whether it was added; `false` where `unique` found another like it that is pending or ongoing. */
  readonly isNew: boolean
}

/**
 * What a request about a task came to, and the status that the task has now; undefined when there is no such task.
 * Of an ongoing task the run is `asked` to stop, and its worker does the rest.
 */
export type CancelResult = { readonly change: 'canceled' | 'asked' | 'none'; readonly status: Status } | undefined
export type RetryResult = { readonly change: 'retried' | 'none'; readonly status: Status } | undefined

export interface MigrationSource {
  /** `core`, or the name of the plugin. */
  readonly name: string
  /** The folder with `sqlite/` and `postgres/` in it. */
  readonly directory: string
}

export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number
  readonly note: string | undefined
  readonly isMilestone?: boolean
}

/** One thing that `ops migrate` does, or would do. */
export interface MigrationStep {
  readonly kind: 'create_database' | 'migration' | 'guarantee'
  readonly source: string
  readonly name: string
  readonly change: 'create' | 'replace' | 'drop'
}

export type WakeReason = 'changed' | 'due' | 'poll' | 'stopped'

/**
 * What ops asks of a database. Everything about one database is behind this; each implementation is a folder beside
 * this file, and all pass one suite.
 *
 * Methods that write about a run return false, or no `held`, when the run is no longer this worker's: it was taken
 * away, nothing was written, and whoever called ends the task's processes.
 */
export interface Queue {
  /** As people write it, without secrets. */
  readonly name: string

  /** Whether there is such a database. */
  exists(): Promise<boolean>
  /** What `migrate` would do now. */
  planMigration(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]>
  /** Brings the database to what the sources and tables need, all or nothing, and says what it did. */
  migrate(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]>
  /** The columns that a table lacks, or undefined when there is no such table. */
  missingColumns(table: TaskTable): Promise<readonly string[] | undefined>
  /** Checks the settings and the state of a database that exists. */
  checkDatabase(): Promise<Check[]>

  /** Adds tasks in one transaction, all or none, and returns their ids in the same order. */
  enqueue(
    table: TaskTable,
    rows: Iterable<Readonly<Record<string, unknown>>>,
    options?: EnqueueOptions,
  ): Promise<EnqueuedTask[]>
  find(table: TaskTable, id: TaskId): Promise<Readonly<Record<string, unknown>> | undefined>

  /** Makes this process a worker and holds its life until `close`, or until the process dies, however it dies. */
  startWorker(worker: WorkerIdentity): Promise<void>
  /** Whether the process that is this worker lives. */
  isAlive(workerId: string): Promise<boolean>
  hasLivingWorker(): Promise<boolean>

  /** Takes the next task that is due in the order of the tables, or undefined when none may run now. */
  claim(tables: readonly QueuedTable[]): Promise<Claim | undefined>
  /**
   * Ends a run, its task and, where tables are given, claims the next task: one transaction.
   *
   * @throws ResultRefusedError when the table does not take what the processor returned; the run is still open then
   */
  settle(
    run: Run,
    outcome: Outcome,
    next?: readonly QueuedTable[],
  ): Promise<{ held: boolean; next?: Claim | undefined }>
  /** Writes how far a run is; a milestone goes into the audit trail too. */
  report(run: Run, progress: Progress): Promise<boolean>
  /** Records what recovery must end when this worker dies. */
  recordProcessGroups(run: Run, bootId: string | undefined, groups: readonly RecordedGroup[]): Promise<boolean>
  stateOf(run: Run): Promise<RunState>

  openRuns(): Promise<OpenRun[]>
  /** Settles the run of a worker that died; false when somebody else already did. */
  settleDead(run: OpenRun, queued: QueuedTable, outcome: Outcome): Promise<boolean>

  /** Cancels a task that is pending, and asks the worker of one that is ongoing to stop it. */
  cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult>
  /** Makes a task that failed or was canceled pending again, due at once. */
  retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult>

  readonly holds: Holds
  readonly schedules: Schedules
  readonly records: Records

  /** Waits until something changed, a task is due, the interval has passed or the signal aborts, whichever is first. */
  waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason>

  /** The database as Drizzle, for processors that query it. */
  drizzle(): unknown

  /** Releases everything, the worker's life included. */
  close(): Promise<void>
}
