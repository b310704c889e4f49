import { columnNamed, type TaskColumn, type TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queued-table.ts'
import { exactly } from './type-parsers.ts'

/** A value as the driver takes it. */
export function encode(column: TaskColumn, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (column.codec) return column.codec.encode(value)
  return column.type === 'json' ? JSON.stringify(value) : value
}

/** A value from the driver or from JSON. */
function decode(column: TaskColumn, raw: unknown): unknown {
  if (raw === null || raw === undefined) return null
  if (column.codec) return column.codec.decode(raw)
  switch (column.type) {
    case 'timestamp':
      return raw instanceof Date ? raw : new Date(raw as string)
    case 'integer':
    case 'reference':
      return typeof raw === 'string' ? exactly(raw) : raw
    case 'real':
      return Number(raw)
    default:
      return raw
  }
}

/** Turns a row into a task: keys as in TypeScript, values of the table's types. */
export function decodeRow(table: TaskTable, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const task: Record<string, unknown> = {}
  for (const key in table.columns) {
    const column = table.columns[key]!
    task[key] = decode(column, row[column.name])
  }
  return task
}

/** An id of the column's type, whatever type the application's driver returns. */
export function decodeId(table: TaskTable, raw: unknown): TaskId {
  return decode(columnNamed(table, 'id')!, raw) as TaskId
}

/** The id of a task in ops' own tables, which have a number or a text. */
export function taskIdOf(row: { task_id: TaskId | null; task_key: string | null }): TaskId {
  return (row.task_id ?? row.task_key)!
}

/** Whether it is an existing table, whose columns convert the driver's values by their own codec. */
export function isExisting(table: TaskTable): boolean {
  return Object.values(table.columns).some(({ codec }) => codec !== undefined)
}

/** Ignores the error for an id that does not fit the column's type: then the task does not exist. */
export function ignoreInvalidId(error: unknown): undefined {
  // invalid_text_representation, numeric_value_out_of_range
  if (!['22P02', '22003'].includes((error as { code?: string }).code ?? '')) throw error
}

/** An instant as a column takes it: in an existing table it may be a number or text. */
export function instant(column: TaskColumn, at: Date): unknown {
  if (!column.codec) return at
  return column.type === 'integer' ? at.getTime() : at.toISOString()
}

/**
 * The current time to compare a column with: that of the server, except for an existing table, whose column may be a text or
 * a number. There it is bound, and the server takes it as the column's type.
 *
 * @param place of the bound value: `$1`
 */
export function nowFor(column: TaskColumn, place: string): { now: string; bound: unknown[] } {
  return column.codec ? { now: place, bound: [instant(column, new Date())] } : { now: 'now()', bound: [] }
}

/** An instant of a column as `toInstant` reads it, whatever types the driver parses. */
export function instantExpression({ type }: TaskColumn, expression: string): string {
  return type === 'timestamp' ? `(extract(epoch from ${expression}) * 1000)::float8` : expression
}

export function toInstant({ type }: TaskColumn, raw: unknown): Date {
  return new Date(type === 'text' ? (raw as string) : Number(raw))
}
