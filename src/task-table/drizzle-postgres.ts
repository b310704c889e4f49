import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  jsonb,
  type PgColumn,
  type PgColumnBuilderBase,
  pgTable,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { checksOf } from './create-table.ts'
import { NEXT_ID, NOW } from './lifecycle.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

/** The Drizzle table of a described task table, for drizzle-kit and typed queries. */
export function drizzleTable(table: TaskTable): unknown {
  return pgTable(
    table.name,
    Object.fromEntries(Object.entries(table.columns).map(([key, column]) => [key, drizzleColumn(column)])),
    () => checksOf(table, 'postgres').map(({ name, value }) => check(name, sql.raw(value))),
  )
}

function drizzleColumn(column: TaskColumn): PgColumnBuilderBase {
  if (column.defaultValue === NEXT_ID)
    return bigint(column.name, { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity()
  // biome-ignore lint/suspicious/noExplicitAny: the builders of different types share no useful supertype
  let builder: any = ofType(column)
  if (column.isNotNull) builder = builder.notNull()
  if (column.hasDefault) builder = builder.default(column.defaultValue === NOW ? sql`now()` : column.defaultValue)
  return builder
}

function ofType(column: TaskColumn) {
  switch (column.type) {
    case 'text':
      return text(column.name)
    case 'enumeration':
      return text(column.name, { enum: column.values as [string, ...string[]] })
    case 'json':
      return jsonb(column.name)
    case 'real':
      return doublePrecision(column.name)
    case 'boolean':
      return boolean(column.name)
    case 'timestamp':
      return timestamp(column.name, { withTimezone: true })
    case 'integer':
      return bigint(column.name, { mode: 'number' })
    case 'reference': {
      const target = column.target!() as TaskTable & { postgres: { id: PgColumn } }
      return bigint(column.name, { mode: 'number' }).references(() => target.postgres.id)
    }
  }
}
