import { type SQL, sql } from 'drizzle-orm'
import {
  check,
  integer,
  real,
  type SQLiteColumn,
  type SQLiteColumnBuilderBase,
  sqliteTable,
  text,
} from 'drizzle-orm/sqlite-core'
import { checksOf } from './create-table.ts'
import { NEXT_ID, NOW, SQLITE_NOW } from './lifecycle.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

/** The Drizzle table of a described task table, for drizzle-kit and typed queries. */
export function drizzleTable(table: TaskTable): unknown {
  return sqliteTable(
    table.name,
    Object.fromEntries(Object.entries(table.columns).map(([key, column]) => [key, drizzleColumn(column)])),
    () => checksOf(table, 'sqlite').map(({ name, value }) => check(name, sql.raw(value))),
  )
}

function drizzleColumn(column: TaskColumn): SQLiteColumnBuilderBase {
  if (column.defaultValue === NEXT_ID) return integer(column.name).primaryKey({ autoIncrement: true })
  // biome-ignore lint/suspicious/noExplicitAny: the builders of different types share no useful supertype
  let builder: any = ofType(column)
  if (column.isNotNull) builder = builder.notNull()
  if (column.hasDefault) builder = builder.default(defaultOf(column))
  return builder
}

function ofType(column: TaskColumn) {
  switch (column.type) {
    case 'text':
      return text(column.name)
    case 'enumeration':
      return text(column.name, { enum: column.values as [string, ...string[]] })
    case 'json':
      return text(column.name, { mode: 'json' })
    case 'real':
      return real(column.name)
    case 'boolean':
      return integer(column.name, { mode: 'boolean' })
    case 'timestamp':
      return integer(column.name, { mode: 'timestamp_ms' })
    case 'integer':
      return integer(column.name)
    case 'reference': {
      const target = column.target!() as TaskTable & { sqlite: { id: SQLiteColumn } }
      return integer(column.name).references(() => target.sqlite.id)
    }
  }
}

function defaultOf(column: TaskColumn): unknown | SQL {
  return column.defaultValue === NOW ? sql.raw(SQLITE_NOW) : column.defaultValue
}
