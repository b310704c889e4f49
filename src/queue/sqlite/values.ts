import { TaskError } from '../../task/task-error.ts'
import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'

/** A value as SQLite stores it. */
export function encode(column: TaskColumn, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (column.codec) return column.codec.encode(value)
  switch (column.type) {
    case 'timestamp':
      return value instanceof Date ? value.getTime() : value
    case 'boolean':
      return value ? 1 : 0
    case 'json':
      return JSON.stringify(value)
    default:
      return value
  }
}

function decode(column: TaskColumn, raw: unknown): unknown {
  if (raw === null || raw === undefined) return null
  if (column.codec) return column.codec.decode(raw)
  switch (column.type) {
    case 'timestamp':
      return new Date(raw as number)
    case 'boolean':
      return raw !== 0
    case 'json':
      return parseJson(column, raw)
    default:
      return raw
  }
}

/** A text from another client of the database may be none. */
function parseJson({ name }: TaskColumn, raw: unknown): unknown {
  try {
    return JSON.parse(raw as string)
  } catch {
    throw new TaskError(`"${name}": expected JSON, got ${JSON.stringify(String(raw).slice(0, 100))}`, { isFinal: true })
  }
}

/** Turns a row into a task: keys as in TypeScript, values of the table's types. */
export function decodeRow(table: TaskTable, row: Record<string, unknown>): Record<string, unknown> {
  const task: Record<string, unknown> = {}
  for (const key in table.columns) {
    const column = table.columns[key]!
    task[key] = decode(column, row[column.name])
  }
  return task
}

/** An instant as a column stores it: in an existing table it may be a number or text. */
export function instant(column: TaskColumn, at: number): unknown {
  if (!column.codec) return at
  const date = new Date(at)
  switch (column.type) {
    case 'timestamp':
      return encode(column, date)
    case 'text':
      return date.toISOString()
    default:
      return at
  }
}

/** Milliseconds since the epoch of an instant that a column stores. */
export function millisecondsOf(column: TaskColumn, raw: unknown): number {
  const value = column.codec ? column.codec.decode(raw) : raw
  return typeof value === 'number' ? value : new Date(value as Date | string).getTime()
}
