import type { TaskColumn, TaskTable } from '../../task-table/task-table.ts'

/** The value of a column as SQLite stores it. */
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
      return JSON.parse(raw as string)
    default:
      return raw
  }
}

/** Makes a row of the database into a task: keys as in TypeScript, values as the table's types say. */
export function decodeRow(table: TaskTable, row: Record<string, unknown>): Record<string, unknown> {
  const task: Record<string, unknown> = {}
  for (const key in table.columns) {
    const column = table.columns[key]!
    task[key] = decode(column, row[column.name])
  }
  return task
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
