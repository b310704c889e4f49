import { isSettled, type SettledStatus, type Status } from '../task/lifecycle.ts'
import type { PrunePass, PruneTable } from './history.ts'
import type { TaskId } from './queued-table.ts'

/** Columns by which rows of a table name tasks of another. */
export interface Reference {
  readonly table: string
  /** The columns of that table, each with the one that it names. */
  readonly columns: readonly (readonly [from: string, to: string])[]
  /** Whether its rows are tasks, known by their id. */
  readonly isTaskTable: boolean
  /** Whether it counts only while the task that refers is unsettled: `after` without a foreign key. */
  readonly isPrerequisite: boolean
}

export interface PruneRow {
  /** As the database has it. */
  readonly raw: unknown
  readonly id: TaskId
  readonly status: Status
  /** Undefined if the table does not say. */
  readonly settledAt: Date | undefined
  readonly createdAt: Date
}

export interface PruneFacts {
  /** Milliseconds since the epoch: when something about the task happened last, by its history; 0 if nothing did. */
  readonly happenedAt: number
  readonly hasOpenRun: boolean
  /** The rows that name it: their table and id, where they are tasks. */
  readonly referrers: readonly { readonly table: string; readonly id?: string }[]
}

/** Whether a task was settled before the instant for its status, by its row. */
export function isOld({ status, settledAt, createdAt }: PruneRow, before: PruneTable['before']): boolean {
  const limit = isSettled(status) ? before[status] : undefined
  return limit !== undefined && (settledAt ?? createdAt) < limit
}

/** What becomes of a task: decided here for every database. */
export function fateOf(
  row: PruneRow,
  { happenedAt, hasOpenRun, referrers }: PruneFacts,
  before: PruneTable['before'],
  isGone: (referrer: { table: string; id?: string }) => boolean,
): 'goes' | 'young' | 'needed' {
  if (!isOld(row, before) || hasOpenRun) return 'young'
  // The time in its row may be that of an earlier end: other programs change a status, and nothing else.
  if (happenedAt >= before[row.status as SettledStatus]!.getTime()) return 'young'
  return referrers.every(isGone) ? 'goes' : 'needed'
}

/** How long a pruning may be silent before another process takes its place: a worker performs tasks in between. */
const SILENT_MS = 60_000

/** Whether a pruning that goes by itself leaves it to another one. */
export function isHeldByOther(
  last: { readonly seenAt: Date | undefined; readonly endedAt: Date | undefined },
  now: Date,
  every: number | undefined,
): boolean {
  // An instant of the future is not believed: the clock was ahead.
  const isWithin = (at: Date | undefined, limit: number) =>
    at !== undefined && Math.abs(now.getTime() - at.getTime()) < limit
  return every !== undefined && (isWithin(last.seenAt, SILENT_MS) || isWithin(last.endedAt, every))
}

/** Whether a pruning went over a task, by its event's detail. Of texts nobody knows. */
export function covers({ firstId, lastId }: PrunePass, id: TaskId): boolean {
  const ids = [firstId, id, lastId].map(String)
  if (!ids.every((text) => /^-?\d+$/.test(text))) return false
  const [first, own, last] = ids.map(BigInt) as [bigint, bigint, bigint]
  return first <= own && own <= last
}
