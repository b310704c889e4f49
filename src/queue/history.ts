import type { SettledStatus } from '../task/lifecycle.ts'
import type { QueuedTable, TaskId } from './queued-table.ts'

/** The tasks of a table that go: those that have been settled since before an instant, by their status. */
export interface PruneTable {
  readonly queued: QueuedTable
  readonly before: Readonly<Partial<Record<SettledStatus, Date>>>
}

/** The attempts at a pruned task, whose logs and other files are left. */
export interface PrunedFiles {
  readonly id: TaskId
  readonly attempts: readonly number[]
}

/** Tasks that are gone, as a step of a pruning has committed it. */
export interface PruneStep {
  readonly table: string
  /** Whose files the caller removes before it asks for the next step; after a crash they come again. */
  readonly files: readonly PrunedFiles[]
  readonly groups: readonly PrunedGroup[]
  /** Tasks that are old enough, but that others need. */
  readonly kept: number
}

export interface PrunedGroup {
  readonly status: SettledStatus
  readonly tasks: number
  /** When the first and the last of them was settled. */
  readonly oldest: Date
  readonly newest: Date
}

/** Takes the lines of a batch, and has them on the disk when it returns: they are deleted then. */
export interface Archive {
  append(lines: Buffer): void
}

export interface PruneOptions {
  /** For the audit. */
  readonly actor: string
  /**
   * Does nothing while another process prunes, or if the latest pruning was complete this many milliseconds ago or less;
   * without it the pruning of another process ends.
   */
  readonly every?: number | undefined
  readonly archive?: Archive | undefined
  /** Deletes nothing and writes nothing. */
  readonly isDryRun?: boolean | undefined
  /** All task tables, since their tasks may wait for others. */
  readonly all: readonly QueuedTable[]
}

/** The detail of the event `pruned`, one for each table and pruning. */
export interface PrunePass {
  readonly table: string
  readonly before: Readonly<Partial<Record<SettledStatus, Date>>>
  readonly tasks: number
  readonly runs: number
  readonly events: number
  /** Of the tasks; some in between may have stayed. */
  readonly firstId: TaskId
  readonly lastId: TaskId
  /** Of the lines of all tasks, as an archive has them. */
  readonly sha256: string
}

export interface HistorySize {
  readonly databaseBytes: number
  /** Free pages inside a file; undefined where the database does not tell. */
  readonly freeBytes: number | undefined
  /** Of ops' own tables; undefined where it takes too long to find out. */
  readonly historyBytes: number | undefined
  /** Numbers in the audit that were given since its first entry. */
  readonly entries: number
  readonly firstAt: Date | undefined
}

/** The history of tasks that are settled. */
export interface History {
  /**
   * Prunes tables in this order, a small transaction at a time. Each step is one of them, or a look at tasks that stay. To
   * end it early, return from the generator: the tasks that are gone are in the audit then.
   */
  prune(tables: readonly PruneTable[], options: PruneOptions): AsyncGenerator<PruneStep, void, void>
  /** The latest pruning whose range has this task. */
  prunedBy(table: string, id: TaskId): Promise<Date | undefined>
  size(): Promise<HistorySize>
}
