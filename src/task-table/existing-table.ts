import type { PgTable } from 'drizzle-orm/pg-core'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { invalidTaskTable } from '../errors.ts'
import { lifecycleColumns } from './lifecycle.ts'
import type { ColumnType, TaskColumn, TaskTable } from './task-table.ts'

type AnyTable = (SQLiteTable | PgTable) & { $inferSelect: object; $inferInsert: object }

const requiredColumns = ['id', 'status', 'created_at']

/**
 * Makes an existing table of the application a task table. It must have the columns `id`, `status` and `created_at`;
 * the other lifecycle columns are filled if they exist.
 *
 * @param tables the Drizzle table for each database that the application uses
 * @throws OpsError INVALID_TASK_TABLE if a required column is missing
 */
export function existingTable<T extends AnyTable>(tables: {
  sqlite?: T
  postgres?: AnyTable
}): TaskTable<T['$inferSelect'], T['$inferInsert'], T['$inferSelect']> & typeof tables {
  const table = tables.sqlite ?? tables.postgres
  if (!table) throw invalidTaskTable('(unnamed)', 'existingTable needs a Drizzle table for "sqlite" or "postgres"')
  const { name, columns } = describe(table)
  const missing = requiredColumns.filter((name) => !Object.values(columns).some((column) => column.name === name))
  if (missing.length > 0) {
    throw invalidTaskTable(
      name,
      `a task table needs the columns ${requiredColumns.join(', ')}; missing: ${missing.join(', ')}`,
    )
  }
  return { name, columns, isExisting: true, ...tables } as never
}

/** The parts of a Drizzle column that are read here; they are public at run time. */
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
  // Registered symbols: the table may come from any copy of Drizzle.
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
        // The application sets the id if the database does not generate it.
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

/** Whether the database has a default. One that Drizzle computes for its own inserts does not count. */
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
