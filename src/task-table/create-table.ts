import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { NEXT_ID, NOW, SQLITE_NOW } from './lifecycle.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

export type Dialect = 'sqlite' | 'postgres'

export const dialects: readonly Dialect[] = ['sqlite', 'postgres']

/** A column as one database declares it. */
export interface ColumnSql {
  readonly name: string
  readonly type: string
  readonly isPrimaryKey: boolean
  readonly isNotNull: boolean
  /** An SQL expression. */
  readonly default: string | undefined
  /** The task table that a reference points to. */
  readonly references: string | undefined
}

const sqliteTypes = {
  text: 'text',
  enumeration: 'text',
  json: 'text',
  real: 'real',
  boolean: 'integer',
  timestamp: 'integer',
  integer: 'integer',
  reference: 'integer',
} as const satisfies Record<TaskColumn['type'], string>

const postgresTypes = {
  text: 'text',
  enumeration: 'text',
  json: 'jsonb',
  real: 'double precision',
  boolean: 'boolean',
  timestamp: 'timestamp with time zone',
  integer: 'bigint',
  reference: 'bigint',
} as const satisfies Record<TaskColumn['type'], string>

/** The columns of a table in one database, as drizzle-kit declares them. */
export function columnsSql(table: TaskTable, dialect: Dialect): ColumnSql[] {
  return Object.values(table.columns).map((column) => ({
    name: column.name,
    type: (dialect === 'sqlite' ? sqliteTypes : postgresTypes)[column.type],
    isPrimaryKey: column.name === 'id',
    isNotNull: column.isNotNull || column.name === 'id',
    default: column.defaultValue === NEXT_ID ? undefined : defaultSql(column, dialect),
    references: column.target?.().name,
  }))
}

/** A CHECK constraint. */
export interface Check {
  readonly name: string
  /** An SQL expression. */
  readonly value: string
}

/** What the types of a database do not say, for every client: SQLite stores any value in any column. */
export function checksOf(table: TaskTable, dialect: Dialect): Check[] {
  return Object.values(table.columns).flatMap((column) => {
    const value = checkSql(column, dialect)
    return value === undefined ? [] : [{ name: `${table.name}_${column.name}_check`, value }]
  })
}

function checkSql({ name, type, values }: TaskColumn, dialect: Dialect): string | undefined {
  const quotedName = `"${name}"`
  if (type === 'enumeration') return `${quotedName} in (${values!.map(quoted).join(', ')})`
  // Infinity is no instant.
  if (dialect === 'postgres') return type === 'timestamp' ? `isfinite(${quotedName})` : undefined
  if (type === 'timestamp') return `typeof(${quotedName}) in ('integer', 'null')`
  // Of null older versions of SQLite say that it is invalid.
  if (type === 'json') return `${quotedName} is null or json_valid(${quotedName})`
  return type === 'boolean' ? `${quotedName} in (0, 1)` : undefined
}

/**
 * The statements that create a task table, as drizzle-kit writes them, so that it can generate the next migration.
 * (Unlike drizzle-kit, this gets quotes in JSON defaults and SQLite timestamp defaults right.)
 */
export function createTable(table: TaskTable, dialect: Dialect): string[] {
  const columns = columnsSql(table, dialect)
  const references = columns.filter(({ references }) => references !== undefined)
  const checks = checksOf(table, dialect)
  if (dialect === 'sqlite') {
    const lines = [
      ...columns.map((column) => `\`${column.name}\` ${column.type}${sqliteRules(column, table)}`),
      ...references.map(
        ({ name, references }) =>
          `FOREIGN KEY (\`${name}\`) REFERENCES \`${references}\`(\`id\`) ON UPDATE no action ON DELETE no action`,
      ),
      ...checks.map(({ name, value }) => `CONSTRAINT "${name}" CHECK(${value})`),
    ]
    return [`CREATE TABLE \`${table.name}\` (\n${lines.map((line) => `\t${line}`).join(',\n')}\n);`]
  }
  const lines = [
    ...columns.map((column) => `\t"${column.name}" ${column.type}${postgresRules(column, table)}`),
    ...checks.map(({ name, value }) => `\tCONSTRAINT "${name}" CHECK (${value})`),
  ]
  return [
    `CREATE TABLE "${table.name}" (\n${lines.join(',\n')}\n);`,
    ...references.map(
      ({ name, references }) =>
        `ALTER TABLE "${table.name}" ADD CONSTRAINT "${table.name}_${name}_${references}_id_fk" FOREIGN KEY ("${name}") REFERENCES "${references}"("id") ON DELETE no action ON UPDATE no action;`,
    ),
  ]
}

function sqliteRules(column: ColumnSql, table: TaskTable): string {
  if (column.isPrimaryKey) return isNumbered(table) ? ' PRIMARY KEY AUTOINCREMENT NOT NULL' : ' PRIMARY KEY NOT NULL'
  return rules(column)
}

function postgresRules(column: ColumnSql, table: TaskTable): string {
  if (!column.isPrimaryKey) return rules(column)
  if (!isNumbered(table)) return ' PRIMARY KEY NOT NULL'
  return ` PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "${table.name}_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1)`
}

function rules(column: ColumnSql): string {
  return `${column.default === undefined ? '' : ` DEFAULT ${column.default}`}${column.isNotNull ? ' NOT NULL' : ''}`
}

function isNumbered(table: TaskTable): boolean {
  return Object.values(table.columns).some(({ defaultValue }) => defaultValue === NEXT_ID)
}

function defaultSql({ hasDefault, defaultValue, type }: TaskColumn, dialect: Dialect): string | undefined {
  if (!hasDefault) return undefined
  if (defaultValue === NOW) return dialect === 'sqlite' ? `(${SQLITE_NOW.replace(/^\((.*)\)$/, '$1')})` : 'now()'
  if (type === 'json') return `${quoted(JSON.stringify(defaultValue))}${dialect === 'postgres' ? '::jsonb' : ''}`
  if (defaultValue instanceof Date) {
    return dialect === 'sqlite' ? String(defaultValue.getTime()) : quoted(defaultValue.toISOString())
  }
  return typeof defaultValue === 'string' ? quoted(defaultValue) : String(defaultValue)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The names of the tables that the migrations in a folder create, for either database. */
export function createdTables(migrations: string): Set<string> {
  const folders = dialects.map((dialect) => join(migrations, dialect)).filter((folder) => existsSync(folder))
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  )
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?[`"[]?(\w+)/gi)].map(([, name]) => name!),
    ),
  )
}
