import { NEXT_ID, NOW, SQLITE_NOW } from '../../src/task-table/lifecycle.ts'
import type { TaskColumn, TaskTable } from '../../src/task-table/task-table.ts'

/** The `CREATE TABLE` that a plugin's migration would have for a described task table. */
export function createTaskTable(table: TaskTable, database: 'sqlite' | 'postgres' = 'sqlite'): string {
  const toSql = database === 'sqlite' ? columnSql : postgresColumnSql
  return `create table ${table.name} (${Object.values(table.columns).map(toSql).join(', ')})`
}

const postgresTypes = {
  text: 'text',
  enumeration: 'text',
  json: 'jsonb',
  real: 'double precision',
  boolean: 'boolean',
  timestamp: 'timestamptz',
  integer: 'bigint',
  reference: 'bigint',
}

function postgresColumnSql(column: TaskColumn): string {
  if (column.defaultValue === NEXT_ID) return 'id bigint generated always as identity primary key'
  const { hasDefault, defaultValue } = column
  const value = defaultValue === NOW ? 'now()' : `'${defaultValue}'`
  const references = column.target ? ` references ${column.target().name} (id)` : ''
  const rest = `${column.isNotNull ? ' not null' : ''}${hasDefault ? ` default ${value}` : ''}${references}`
  return `${column.name} ${postgresTypes[column.type]}${rest}`
}

function columnSql(column: TaskColumn): string {
  if (column.defaultValue === NEXT_ID) return 'id integer primary key autoincrement'
  const type = { text: 'text', enumeration: 'text', json: 'text', real: 'real' }[column.type as string] ?? 'integer'
  const notNull = column.isNotNull ? ' not null' : ''
  const references = column.target ? ` references ${column.target().name} (id)` : ''
  return `${column.name} ${type}${notNull}${defaultSql(column)}${references}`
}

function defaultSql({ hasDefault, defaultValue }: TaskColumn): string {
  if (!hasDefault) return ''
  if (defaultValue === NOW) return ` default ${SQLITE_NOW}`
  return ` default ${typeof defaultValue === 'string' ? `'${defaultValue}'` : Number(defaultValue)}`
}
