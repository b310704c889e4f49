import { createHash } from 'node:crypto'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { Exclusivity } from '../queued-table.ts'
import { holdKeys, literal, quote } from '../sql-fragments.ts'
import { isExisting } from './values.ts'

/** What ops keeps on a task table: an index, a trigger with its function, or a function that workers call. */
export interface Guarantee {
  readonly kind: 'index' | 'trigger' | 'function'
  readonly name: string
  readonly create: readonly string[]
}

/** The name of a guarantee. PostgreSQL truncates names to 63 bytes, so that two could become the same. */
export function guaranteeName(table: TaskTable, suffix: string): string {
  const name = `ops_${table.name}_${suffix}`
  if (Buffer.byteLength(name) <= 63) return name
  return `ops_${createHash('sha256').update(table.name).digest('hex').slice(0, 16)}_${suffix}`
}

/** A column in the index of a `unique` processor, where two nulls are equal. */
export function uniqueExpression(table: TaskTable, name: string): string {
  // The text of an instant depends on the session, and an index must not.
  const isInstant = columnNamed(table, name)?.type === 'timestamp'
  return `coalesce('=' || ${isInstant ? `extract(epoch from ${quote(name)})` : quote(name)}::text, '')`
}

/** The number of the next attempt, also after one that is no count: a row must not stop its table. */
export function nextAttempt(table: TaskTable, row: string): string {
  if (!columnNamed(table, 'attempt')) return '1'
  return `greatest(1, least(coalesce(${row}.attempt, 0), 2147483646) + 1)`
}

/** Whether the key, or the processor itself, is on hold. */
export function isHeld(processor: string, exclusivity: Exclusivity, key: string): string {
  return `exists (select 1 from ops_holds h where h.key in (${holdKeys(processor, exclusivity, key).join(', ')}))`
}

/** The id of a row in ops' own tables: `task_id, task_key`. */
export function idsOf(table: TaskTable, row: string): string {
  return hasNumbers(table) ? `${row}.id, null` : `null, ${row}.id::text`
}

/** Whether the ids of a table are in the column `task_id` of ops' own tables, and not in `task_key`. */
export function hasNumbers(table: TaskTable): boolean {
  return columnNamed(table, 'id')!.type === 'integer'
}

/** The text of the id of a task, from a row of ops' own tables. */
export function keyOf(row: string): string {
  return `coalesce(${row}.task_id::text, ${row}.task_key)`
}

/** A row as JSON. The columns of an existing table are texts, as the server sends them to the driver. */
export function rowAsJson(table: TaskTable, row: string): string {
  if (!isExisting(table)) return `row_to_json(${row})`
  const columns = Object.values(table.columns)
  const names = columns.map(({ name }) => literal(name))
  const texts = columns.map(({ name }) => `${row}.${quote(name)}::text`)
  return `json_object(array[${names.join(', ')}], array[${texts.join(', ')}])`
}

/** Instants in the types of a task table's columns, inside a function. */
export interface Instants {
  readonly declarations: string
  of(column: string): string
}

/**
 * In a described table an instant is a `timestamptz`. In an existing one it may be text or a number: then a variable holds
 * it in the column's type.
 *
 * @param expressions SQL expressions of the instants, by the names of the columns
 */
export function instants(table: TaskTable, expressions: Readonly<Record<string, string>>): Instants {
  const needed = Object.keys(expressions).filter((name) => columnNamed(table, name)?.codec)
  const variable = (name: string) => `instant_of_${name}`
  const asStored = (name: string) =>
    columnNamed(table, name)!.type === 'integer'
      ? `(extract(epoch from ${expressions[name]}) * 1000)::bigint`
      : `to_char((${expressions[name]}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  return {
    declarations: needed
      .map((name) => `  ${variable(name)} ${quote(table.name)}.${quote(name)}%type := ${asStored(name)};\n`)
      .join(''),
    of: (name) => (needed.includes(name) ? variable(name) : expressions[name]!),
  }
}
