import type { TaskTable } from '../../task-table/task-table.ts'
import type { Session } from './session.ts'
import { quote } from './values.ts'

/** The columns that a table lacks, or undefined when there is no such table. */
export async function missingColumns(session: Session, table: TaskTable): Promise<readonly string[] | undefined> {
  const rows = await session.query(
    `select attname::text as name from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    [quote(table.name)],
  )
  if (rows.length === 0) return undefined
  const present = rows.map(({ name }) => name)
  return Object.values(table.columns)
    .map(({ name }) => name)
    .filter((name) => !present.includes(name))
}
