import { createHash } from 'node:crypto'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queue.ts'
import { columnNamed, isExisting, literal, quote } from './values.ts'

/** The name of something that belongs to a table. PostgreSQL cuts names at 63 bytes, and two could become one. */
export function guaranteeName(table: TaskTable, suffix: string): string {
  const name = `ops_${table.name}_${suffix}`
  if (Buffer.byteLength(name) <= 63) return name
  return `ops_${createHash('sha256').update(table.name).digest('hex').slice(0, 16)}_${suffix}`
}

/** Of the tasks for which this holds, no two may be alike where the processor says `unique`. */
export const IS_UNSETTLED = `status in ('pending', 'ongoing')`

/** A column in the index of what is unique, where null is a value like another. */
export function uniqueExpression(table: TaskTable, name: string): string {
  // How an instant is written depends on the session, and an index must not.
  const isInstant = columnNamed(table, name)?.type === 'timestamp'
  return `coalesce('=' || ${isInstant ? `extract(epoch from ${quote(name)})` : quote(name)}::text, '')`
}

/** Whether an open run has the key. */
export function isKeyTaken(key: string): string {
  return `exists (select 1 from ops_runs r where r.ended_at is null and r.exclusive_key = ${key})`
}

/** Whether a person has the key, or all tasks of the processor. */
export function isHeld(processor: string, exclusivity: QueuedTable['exclusivity'], key: string): string {
  const keys = [literal(`processor:${processor}`), ...(exclusivity.kind === 'none' ? [] : [key])]
  return `exists (select 1 from ops_holds h where h.key in (${keys.join(', ')}))`
}

/** FIFO: by the time from which a task may run, which is that of its insert unless it was scheduled, then by id. */
export function claimOrder(table: TaskTable): string {
  return columnNamed(table, 'run_at') ? 'run_at, id' : 'created_at, id'
}

/** The exclusivity key of a row, as an SQL expression, or null. */
export function keyOf(exclusivity: QueuedTable['exclusivity'], row: string): string {
  switch (exclusivity.kind) {
    case 'none':
      return 'null::text'
    case 'table':
      return literal(exclusivity.key)
    case 'column':
      return `${literal(`${exclusivity.name}:`)} || ${row}.${quote(exclusivity.column)}`
  }
}

/** What a row's id is in ops' own tables: `task_id, task_key`. */
export function idsOf(table: TaskTable, row: string): string {
  return `${columnNamed(table, 'id')!.type === 'integer' ? `${row}.id` : 'null'}, ${row}.id::text`
}

/** A row as JSON. Of an existing table the columns are texts, as the driver would get them. */
export function rowAsJson(table: TaskTable, row: string): string {
  if (!isExisting(table)) return `row_to_json(${row})`
  const columns = Object.values(table.columns)
  const names = columns.map(({ name }) => literal(name))
  const texts = columns.map(({ name }) => `${row}.${quote(name)}::text`)
  return `json_object(array[${names.join(', ')}], array[${texts.join(', ')}])`
}
