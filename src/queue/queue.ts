import type { RecordedGroup } from '../platform/process-group.ts'
import type { Status } from '../task/lifecycle.ts'
import type { Outcome } from '../task/outcome.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import type { Check } from './check.ts'
import type { History } from './history.ts'
import type { Holds } from './holds.ts'
import type { Invariants } from './invariants.ts'
import type { EnqueuedTask, QueuedTable, TaskId } from './queued-table.ts'
import type { Records } from './records.ts'
import type { Schedules } from './schedules.ts'

export type { EnqueuedTask, Exclusivity, Prerequisite, QueuedTable, TaskId } from './queued-table.ts'

/** One attempt at one task. Every write about it names its id: the fence. */
export interface Run {
  /** Grows with every run and is never reused. */
  readonly id: number
  readonly queued: QueuedTable
  readonly taskId: TaskId
  readonly attempt: number
  readonly workerId: string
  readonly deadlineAt: Date | undefined
}

/** A task that this worker has claimed, as its row is when the run starts. */
export interface Claim {
  readonly run: Run
  /** The first prerequisite that is settled and did not succeed; such a task is not performed. */
  readonly unmet: UnmetPrerequisite | undefined
  /** Decoded when it is read, which throws if a value does not fit the type of its column. */
  readonly task: Readonly<Record<string, unknown>>
}

export interface UnmetPrerequisite {
  readonly table: string
  readonly id: TaskId
  /** Undefined if the task does not exist. */
  readonly status: Status | undefined
}

/** An open run, with what recovery needs to decide about it. */
export interface OpenRun {
  readonly id: number
  readonly taskTable: string
  readonly taskId: TaskId
  readonly attempt: number
  readonly workerId: string
  readonly exclusiveKey: string | undefined
  readonly startedAt: Date
  readonly deadlineAt: Date | undefined
  /** Milliseconds since its deadline by the database's clock; undefined before the deadline. */
  readonly overdue: number | undefined
  readonly bootId: string | undefined
  readonly processGroups: readonly RecordedGroup[]
  /** Who canceled the task, if anyone. */
  readonly cancelRequestedBy: string | undefined
  /** How many earlier runs of this task crashed with their worker. */
  readonly crashes: number
}

export interface WorkerIdentity {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly version: string
}

/**
 * The time for which a worker may perform its task after its last sign of life. Other workers wait for longer before they
 * take the task over, by the time that it takes to end one.
 */
export interface Lease {
  readonly ms: number
  /** When the latest sign of life was sent that was answered, by `steadyNow`: a renewal, or a claim. */
  readonly renewedAt: number
  /** The same of any search for a task. */
  readonly heardAt: number
  /** Writes a sign of life; rejects if the database does not answer. */
  renew(): Promise<void>
}

export interface LivingWorker {
  readonly id: string
  /** The task tables from which it claims; undefined if it has not said so. */
  readonly tables: readonly string[] | undefined
}

/** Whether a run is still open, and who canceled its task, if anyone. */
export interface RunState {
  readonly isHeld: boolean
  readonly cancelRequestedBy: string | undefined
}

/** What a settlement found in place of an ongoing task, which somebody had changed while the triggers were missing. */
export interface Divergence {
  /** The status that was found; undefined if the task was deleted. */
  readonly found: string | undefined
  /** The status that the task has now. */
  readonly status: string | undefined
}

/** `held` is false if the run had ended before, and so nothing was written. */
export interface Settled {
  readonly held: boolean
  readonly divergence?: Divergence | undefined
  readonly next?: Claim | undefined
}

export interface EnqueueOptions {
  readonly runAt?: Date | undefined
  /** For the audit trail. */
  readonly actor?: string | undefined
}

/**
 * What changed, and the status that the task has now; undefined if the task does not exist. The run of an ongoing task
 * is `asked` to stop, and its worker settles it.
 */
export type CancelResult = { readonly change: 'canceled' | 'asked' | 'none'; readonly status: Status } | undefined
export type RetryResult = { readonly change: 'retried' | 'none'; readonly status: Status } | undefined

export interface MigrationSource {
  /** `core`, or the name of the plugin. */
  readonly name: string
  /** The folder that contains `sqlite/` and `postgres/`. */
  readonly directory: string
}

export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number
  readonly note: string | undefined
  readonly isMilestone?: boolean
}

/** One step of `ops migrate`. */
export interface MigrationStep {
  readonly kind: 'create_database' | 'migration' | 'guarantee'
  readonly source: string
  readonly name: string
  readonly change: 'create' | 'replace' | 'drop'
}

export type WakeReason = 'changed' | 'due' | 'poll' | 'stopped'

/**
 * The contract with a database. Each implementation is a folder beside this file, and all pass one suite.
 *
 * Methods that write about a run return false, or `held: false`, if the run is no longer open: it was taken away from
 * this worker and nothing was written. The caller then ends the task's processes.
 */
export interface Queue {
  /** The path or URL of the database, without secrets. */
  readonly name: string

  /** From this signal on, nothing waits for other programs that need not be done any more. */
  hearStop?(stop: AbortSignal): void
  /** Called when the database is another one than before: another file has taken its place. What this one knows is new. */
  onReplaced?: (() => void) | undefined

  /** Whether the database exists. */
  exists(): Promise<boolean>
  /** The steps that `migrate` would perform now. */
  planMigration(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]>
  /** Applies pending migrations and installs the guarantees of each table, all or nothing; returns the steps performed. */
  migrate(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]>
  /** Differs from before if a table, a trigger or an index was created, dropped or changed. Cheap. */
  schemaState(): Promise<string>
  /** Checks the settings and the state of a database that exists. */
  checkDatabase(about?: 'access'): Promise<Check[]>

  /** Adds tasks in one transaction, all or none, and returns them in the same order. */
  enqueue(
    table: TaskTable,
    rows: Iterable<Readonly<Record<string, unknown>>>,
    options?: EnqueueOptions,
  ): Promise<EnqueuedTask[]>
  find(table: TaskTable, id: TaskId): Promise<Readonly<Record<string, unknown>> | undefined>

  /** Registers a worker and takes its lock, which is held until `close` or until the process dies, however it dies. */
  startWorker(worker: WorkerIdentity): Promise<void>
  /** Of this worker; undefined if a lock that is free always proves a death, so that nobody else could be mistaken. */
  readonly lease?: Lease | undefined
  /** Whether the process of this worker is alive. */
  isAlive(workerId: string): Promise<boolean>
  /** The ids of those workers of these runs that are alive. */
  livingWorkersOf(runs: readonly OpenRun[]): Promise<ReadonlySet<string>>
  /** How many workers of this machine are alive and can share its recovery. */
  workersHere?(): Promise<number>
  /** The workers that are alive, the oldest first. */
  livingWorkers(): Promise<LivingWorker[]>
  /** Records from which task tables this worker claims, so that others know which tasks nobody takes. */
  recordTables(tables: readonly string[]): Promise<void>

  /** Whether the database would refuse the same again, whatever is waited for: a value, a constraint, a missing column. */
  isRefusal(error: unknown): boolean

  /**
   * Claims the next task that is due, in the order of the tables; undefined if none may run now. If too many others are
   * claiming, it is tried again until `stop` aborts.
   */
  claim(tables: readonly QueuedTable[], stop?: AbortSignal): Promise<Claim | undefined>
  /**
   * Settles a run and its task and, if tables are given, claims the next task: one transaction.
   *
   * @throws ResultRefusedError if the database refuses the columns that the processor returned; the run stays open
   */
  settle(run: Run, outcome: Outcome, next?: readonly QueuedTable[]): Promise<Settled>
  /** Writes the progress of a run; a milestone goes to the audit trail too. */
  report(run: Run, progress: Progress): Promise<boolean>
  /** Sets the deadline of a run: how many milliseconds after its start. */
  limit(run: Run, milliseconds: number): Promise<boolean>
  /** Records the processes that recovery must end if this worker dies. */
  recordProcessGroups(run: Run, bootId: string | undefined, groups: readonly RecordedGroup[]): Promise<boolean>
  stateOf(run: Run): Promise<RunState>

  openRuns(): Promise<OpenRun[]>
  /** Settles the run of a worker that died; false if it was settled before, or its worker has been heard of since. */
  settleDead(run: OpenRun, queued: QueuedTable, outcome: Outcome): Promise<boolean>

  /** Cancels a pending task, or asks the worker of an ongoing one to stop it. */
  cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult>
  /** Makes a failed or canceled task pending again, due now. */
  retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult>
  /** Makes a scheduled task due, at its place in the queue by the time of its insert. */
  makeDue(table: TaskTable, id: TaskId): Promise<void>

  readonly history: History
  readonly holds: Holds
  readonly invariants: Invariants
  readonly schedules: Schedules
  readonly records: Records

  /** Waits until something changes, a task is due, the interval (milliseconds) is over or the signal aborts. */
  waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason>

  /** A Drizzle database, for processors that query. */
  drizzle(): unknown

  /** Closes the connections and releases the worker's lock. */
  close(): Promise<void>
}
