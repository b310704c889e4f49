import type { TaskTable } from '../../task-table/task-table.ts'
import type { Connection } from './connection.ts'

export function missingColumns(connection: Connection, table: TaskTable): readonly string[] | undefined {
  const present = connection.sql('select name from pragma_table_info(?)').pluck().all(table.name)
  if (present.length === 0) return undefined
  return Object.values(table.columns)
    .map(({ name }) => name)
    .filter((name) => !present.includes(name))
}
