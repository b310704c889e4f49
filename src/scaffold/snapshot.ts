import { randomUUID } from 'node:crypto'
import { columnsSql, type Dialect } from '../task-table/create-table.ts'
import type { TaskTable } from '../task-table/task-table.ts'

/**
 * The description of a new table that drizzle-kit would leave beside its migration, and with which the next one begins.
 * Made here, so that a plugin can be begun without drizzle-kit.
 *
 * @param table with numbered ids, and without references and defaults of its own
 */
export function firstSnapshot(table: TaskTable, dialect: Dialect): object {
  const ids = { id: randomUUID(), prevId: '00000000-0000-0000-0000-000000000000' }
  return dialect === 'sqlite' ? { ...ofSqlite(table), ...ids } : { ...ofPostgres(table), ...ids }
}

const noRules = { indexes: {}, foreignKeys: {}, compositePrimaryKeys: {}, uniqueConstraints: {} }

function ofSqlite(table: TaskTable): object {
  const columns = columnsOf(table, 'sqlite', ({ isPrimaryKey }) => ({ autoincrement: isPrimaryKey }))
  return {
    version: '6',
    dialect: 'sqlite',
    tables: { [table.name]: { name: table.name, columns, ...noRules, checkConstraints: {} } },
    views: {},
    enums: {},
    _meta: { tables: {}, columns: {} },
    internal: { indexes: {} },
  }
}

function ofPostgres(table: TaskTable): object {
  const columns = columnsOf(table, 'postgres', ({ isPrimaryKey }) => (isPrimaryKey ? identityOf(table) : {}))
  const rules = { ...noRules, policies: {}, checkConstraints: {}, isRLSEnabled: false }
  return {
    version: '7',
    dialect: 'postgresql',
    tables: { [`public.${table.name}`]: { name: table.name, schema: '', columns, ...rules } },
    enums: {},
    schemas: {},
    sequences: {},
    roles: {},
    policies: {},
    views: {},
    _meta: { schemas: {}, tables: {}, columns: {} },
  }
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
