import { randomUUID } from 'node:crypto'
import { checksOf, columnsSql, type Dialect } from '../task-table/create-table.ts'
import type { TaskTable } from '../task-table/task-table.ts'

/**
 * The snapshot that drizzle-kit would write beside the migration of a new table, for the next migration. Made here, so
 * that creating a plugin needs no drizzle-kit.
 *
 * @param table with numeric ids, and without references and defaults
 */
export function firstSnapshot(table: TaskTable, dialect: Dialect): object {
  const ids = { id: randomUUID(), prevId: '00000000-0000-0000-0000-000000000000' }
  return dialect === 'sqlite' ? { ...sqliteSnapshot(table), ...ids } : { ...postgresSnapshot(table), ...ids }
}

const noConstraints = { indexes: {}, foreignKeys: {}, compositePrimaryKeys: {}, uniqueConstraints: {} }

function sqliteSnapshot(table: TaskTable): object {
  const columns = columnsOf(table, 'sqlite', ({ isPrimaryKey }) => ({ autoincrement: isPrimaryKey }))
  return {
    version: '6',
    dialect: 'sqlite',
    tables: {
      [table.name]: {
        name: table.name,
        columns,
        ...noConstraints,
        checkConstraints: checkConstraints(table, 'sqlite'),
      },
    },
    views: {},
    enums: {},
    _meta: { tables: {}, columns: {} },
    internal: { indexes: {} },
  }
}

function postgresSnapshot(table: TaskTable): object {
  const columns = columnsOf(table, 'postgres', ({ isPrimaryKey }) => (isPrimaryKey ? identityOf(table) : {}))
  const constraints = {
    ...noConstraints,
    policies: {},
    checkConstraints: checkConstraints(table, 'postgres'),
    isRLSEnabled: false,
  }
  return {
    version: '7',
    dialect: 'postgresql',
    tables: { [`public.${table.name}`]: { name: table.name, schema: '', columns, ...constraints } },
    enums: {},
    schemas: {},
    sequences: {},
    roles: {},
    policies: {},
    views: {},
    _meta: { schemas: {}, tables: {}, columns: {} },
  }
}

function checkConstraints(table: TaskTable, dialect: Dialect): object {
  return Object.fromEntries(checksOf(table, dialect).map((check) => [check.name, check]))
}

function identityOf({ name }: TaskTable): object {
  const range = { increment: '1', startWith: '1', minValue: '1', maxValue: '9223372036854775807', cache: '1' }
  return { identity: { type: 'always', name: `${name}_id_seq`, schema: 'public', ...range, cycle: false } }
}

function columnsOf(
  table: TaskTable,
  dialect: Dialect,
  more: (column: { isPrimaryKey: boolean }) => object,
): Record<string, object> {
  return Object.fromEntries(
    columnsSql(table, dialect).map((column) => {
      const { name, type, isPrimaryKey, isNotNull: notNull, default: text } = column
      const base = { name, type, primaryKey: isPrimaryKey, notNull, ...more(column) }
      return [name, text === undefined ? base : { ...base, default: /^\d+$/.test(text) ? Number(text) : text }]
    }),
  )
}
