import type { PgTable } from 'drizzle-orm/pg-core'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { InvalidTaskTableError } from '../errors.ts'
import type { ColumnType } from './column.ts'
import { lifecycleColumns } from './lifecycle-columns.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

type AnyTable = (SQLiteTable | PgTable) & { $inferSelect: object; $inferInsert: object }

/** The columns that a table needs before its rows can be tasks. */
const required = ['id', 'status', 'created_at']

/**
 * Makes a task table of a table that the application already has. `id`, `status` and `created_at` are required; the
 * other lifecycle columns are filled where they exist.
 *
 * @param tables the Drizzle table for each database that is used
 * @throws InvalidTaskTableError when a required column is missing
 */
export function existingTable<T extends AnyTable>(tables: {
  sqlite?: T
  postgres?: AnyTable
}): TaskTable<T['$inferSelect'], T['$inferInsert'], T['$inferSelect']> & typeof tables {
  const table = tables.sqlite ?? tables.postgres
  if (!table)
    throw new InvalidTaskTableError('(unnamed)', 'existingTable needs the table for "sqlite" or for "postgres"')
  const { name, columns } = describe(table)
  const missing = required.filter((wanted) => !Object.values(columns).some((column) => column.name === wanted))
  if (missing.length > 0) {
    throw new InvalidTaskTableError(
      name,
      `a task table needs the columns ${required.join(', ')}; missing: ${missing.join(', ')}`,
    )
  }
  return { name, columns, ...tables } as never
}

/** What is read of a Drizzle column. Drizzle keeps these public at run time. */
interface DrizzleColumn {
  name: string
  dataType: string
  notNull: boolean
  hasDefault: boolean
  default: unknown
  defaultFn?: unknown
  enumValues?: readonly string[]
  mapToDriverValue(value: unknown): unknown
  mapFromDriverValue(raw: unknown): unknown
}

function describe(table: AnyTable): { name: string; columns: Record<string, TaskColumn> } {
  // Registered symbols, so that the table may come from any copy of Drizzle.
  const { [Symbol.for('drizzle:Name')]: name, [Symbol.for('drizzle:Columns')]: drizzleColumns } = table as never as {
    [key: symbol]: unknown
  }
  const lifecycleNames = new Set(Object.values(lifecycleColumns).map((column) => column.name))
  const columns = Object.entries(drizzleColumns as Record<string, DrizzleColumn>).map(
    ([key, column]): [string, TaskColumn] => [
      key,
      {
        key,
        name: column.name,
        type: typeOf(column),
        // An id that the database does not give is the application's to give.
        isLifecycle: lifecycleNames.has(column.name) && (column.name !== 'id' || isFilled(column)),
        isNotNull: column.notNull,
        hasDefault: isFilled(column),
        defaultValue: column.default,
        summary: undefined,
        values: column.enumValues,
        target: undefined,
        isResult: false,
        codec: {
          encode: (value) => (value === null ? null : column.mapToDriverValue(value)),
          decode: (raw) => (raw === null ? null : column.mapFromDriverValue(raw)),
        },
      },
    ],
  )
  return { name: name as string, columns: Object.fromEntries(columns) }
}

/** Whether the database has a value of its own. What Drizzle would compute for an insert of its own does not count. */
function isFilled({ hasDefault, defaultFn }: DrizzleColumn): boolean {
  return hasDefault && defaultFn === undefined
}

function typeOf(column: DrizzleColumn): ColumnType {
  switch (column.dataType) {
    case 'number':
    case 'bigint':
      return /real|double|numeric/i.test((column as { columnType?: string }).columnType ?? '') ? 'real' : 'integer'
    case 'boolean':
      return 'boolean'
    case 'date':
      return 'timestamp'
    case 'json':
      return 'json'
    default:
      return column.enumValues?.length ? 'enumeration' : 'text'
  }
}
