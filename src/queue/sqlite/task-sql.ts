import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { Exclusivity } from '../queued-table.ts'
import { holdKeys, literal, quote } from '../sql-fragments.ts'

/** An index or a trigger that ops keeps on a task table. */
export interface Guarantee {
  readonly name: string
  readonly sql: string
}

/** An integer id has these names too, and a trigger is fired for the name that a statement uses. */
export const ID = 'id, rowid, oid, _rowid_'

/** A column in the index of a `unique` processor, where two nulls are equal. */
export function uniqueExpression(column: string): string {
  return `ifnull('=' || ${quote(column)}, '')`
}

/** Whether a row of `ops_open` is the one of a task. The plus keeps the planner from converting `what`, which needs a scan. */
export function isOpen(table: string, id: string, alias = 'o'): string {
  return `${alias}.scope = ${literal(table)} and ${alias}.what = +${id}`
}

/** The number of the next attempt, also after one that is no count: a row must not stop its table. */
export function nextAttempt(table: TaskTable, row: string): string {
  if (!columnNamed(table, 'attempt')) return '1'
  return `max(1, min(cast(ifnull(${row}attempt, 0) as integer), 2147483646) + 1)`
}

/** Whether the key, or the processor itself, is on hold. */
export function isHeld(processor: string, exclusivity: Exclusivity, key: string): string {
  // One by one: for a list, SQLite builds a temporary table on each look-up.
  const holds = holdKeys(processor, exclusivity, key).map(
    (one) => `exists (select 1 from ops_holds h where h.key = ${one})`,
  )
  return `(${holds.join(' or ')})`
}
