import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queue.ts'

/** The value of a column as the driver takes it. */
export function encode(column: TaskColumn, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (column.codec) return column.codec.encode(value)
  return column.type === 'json' ? JSON.stringify(value) : value
}

/** A value of a row, as the driver gives it or as JSON writes it. */
function decode(column: TaskColumn, raw: unknown): unknown {
  if (raw === null || raw === undefined) return null
  if (column.codec) return column.codec.decode(raw)
  switch (column.type) {
    case 'timestamp':
      return raw instanceof Date ? raw : new Date(raw as string)
    case 'integer':
    case 'reference':
    case 'real':
      return Number(raw)
    default:
      return raw
  }
}

/** Makes a row of the database into a task: keys as in TypeScript, values as the table's types say. */
export function decodeRow(table: TaskTable, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const task: Record<string, unknown> = {}
  for (const key in table.columns) {
    const column = table.columns[key]!
    task[key] = decode(column, row[column.name])
  }
  return task
}

/** An id as the table's column has it, whatever the types are that an application's driver gives. */
export function decodeId(table: TaskTable, raw: unknown): TaskId {
  return decode(columnNamed(table, 'id')!, raw) as TaskId
}

/** The id of a task as ops' own tables keep it: the number where it is one, and always its text. */
export function taskIdOf(row: { task_id: number | null; task_key: string }): TaskId {
  return row.task_id ?? row.task_key
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The column of this name in the database, where the table has one; an existing table may lack lifecycle columns. */
export function columnNamed(table: TaskTable, name: string): TaskColumn | undefined {
  return Object.values(table.columns).find((column) => column.name === name)
}

/** Whether the application made the table: then the driver's own reading of a column goes through the table's codec. */
export function isExisting(table: TaskTable): boolean {
  return Object.values(table.columns).some(({ codec }) => codec !== undefined)
}

/** For a look-up by an id that the column's type cannot have: there is no such task. */
export function nothingForNoId(error: unknown): undefined {
  // invalid_text_representation, numeric_value_out_of_range
  if (!['22P02', '22003'].includes((error as { code?: string }).code ?? '')) throw error
}
