import { createRequire } from 'node:module'
import { extname } from 'node:path'
import type { PgColumn, PgTableWithColumns } from 'drizzle-orm/pg-core'
import type { SQLiteColumn, SQLiteTableWithColumns } from 'drizzle-orm/sqlite-core'
import { invalidTaskTable } from '../errors.ts'
import { type Column, type ColumnTypes, columnTypes } from './column.ts'
import { lifecycleColumns } from './lifecycle.ts'
import type { TaskColumn, TaskLifecycle, TaskTable } from './task-table.ts'

type Columns = Readonly<Record<string, Column>>
type Flat<T> = { [K in keyof T]: T[K] }
type ValueOf<C> =
  C extends Column<infer Value, infer NotNull, boolean> ? (NotNull extends true ? Value : Value | null) : never
type RequiredKeys<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<unknown, true, false> ? K : never
}[keyof C]

export type OwnColumns<C extends Columns> = { [K in keyof C]: ValueOf<C[K]> }
type ResultKeys<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<unknown, boolean, boolean, true> ? K : never
}[keyof C]

export type OwnInsert<C extends Columns> = Flat<
  { [K in Exclude<RequiredKeys<C>, ResultKeys<C>>]: ValueOf<C[K]> } & {
    [K in Exclude<keyof C, RequiredKeys<C> | ResultKeys<C>>]?: ValueOf<C[K]> | undefined
  }
>

/** A task table made by `taskTable`, with its Drizzle table for each database. */
export interface DescribedTaskTable<Name extends string, C extends Columns>
  extends TaskTable<Flat<TaskLifecycle & OwnColumns<C>>, OwnInsert<C>, OwnColumns<C>> {
  /** The Drizzle table for SQLite. Drizzle is loaded when this is first read. */
  readonly sqlite: SQLiteTableWithColumns<{
    name: Name
    schema: undefined
    dialect: 'sqlite'
    columns: DrizzleColumns<C, 'sqlite'>
  }>
  /** The Drizzle table for PostgreSQL. Drizzle is loaded when this is first read. */
  readonly postgres: PgTableWithColumns<{
    name: Name
    schema: undefined
    dialect: 'pg'
    columns: DrizzleColumns<C, 'pg'>
  }>
}

/**
 * Describes a task table for both databases. The lifecycle columns are added.
 *
 * @param name the table's name in the database
 * @param describe returns the table's own columns; a key in camelCase becomes a column in snake_case
 * @throws OpsError INVALID_TASK_TABLE if a key is not a valid column name or is already in use
 */
export function taskTable<const Name extends string, C extends Columns>(
  name: Name,
  describe: (column: ColumnTypes) => C,
): DescribedTaskTable<Name, C> {
  const columns = { ...lifecycleColumns, ...ownColumns(name, describe(columnTypes)) }
  return new LazyDrizzleTable(name, columns) as unknown as DescribedTaskTable<Name, C>
}

function ownColumns(table: string, described: Columns): Record<string, TaskColumn> {
  const names = new Set(Object.values(lifecycleColumns).map(({ name }) => name))
  return Object.fromEntries(
    Object.entries(described).map(([key, { description }]) => {
      const name = toSnakeCase(key)
      if (!/^[a-z][a-z0-9_]*$/.test(name)) throw invalidTaskTable(table, `"${key}" is not a valid column name`)
      if (names.has(name)) throw invalidTaskTable(table, `"${key}" becomes the column "${name}", which already exists`)
      if (description.isResult && description.isNotNull && !description.hasDefault)
        throw invalidTaskTable(table, `the result column "${key}" must allow null or have a default`)
      names.add(name)
      return [key, { ...description, key, name, isLifecycle: false }]
    }),
  )
}

export function toSnakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

const require = createRequire(import.meta.url)

class LazyDrizzleTable {
  readonly name: string
  readonly columns: Readonly<Record<string, TaskColumn>>

  constructor(name: string, columns: Readonly<Record<string, TaskColumn>>) {
    this.name = name
    this.columns = columns
  }

  get sqlite(): unknown {
    return this.#load('sqlite')
  }

  get postgres(): unknown {
    return this.#load('postgres')
  }

  /**
   * Loading Drizzle takes 50 ms and most commands never need it, so it is required when it is first used. Requiring an
   * ES module gives the same copy as importing it.
   */
  #load(dialect: 'sqlite' | 'postgres'): unknown {
    const drizzle = require(`./drizzle-${dialect}${extname(import.meta.filename)}`)
    const table = drizzle.drizzleTable(this)
    Object.defineProperty(this, dialect, { value: table, enumerable: true })
    return table
  }
}

/** A column in Drizzle's types, which infer rows from `data`, `notNull` and `hasDefault`. */
interface ColumnConfig<Value, NotNull extends boolean, HasDefault extends boolean> {
  name: string
  tableName: string
  dataType: 'custom'
  columnType: string
  data: Value
  driverParam: unknown
  notNull: NotNull
  hasDefault: HasDefault
  isPrimaryKey: false
  isAutoincrement: false
  hasRuntimeDefault: false
  enumValues: undefined
  baseColumn: never
  identity: undefined
  generated: undefined
}

type DrizzleColumn<Dialect, Value, NotNull extends boolean, HasDefault extends boolean> = Dialect extends 'sqlite'
  ? SQLiteColumn<ColumnConfig<Value, NotNull, HasDefault>>
  : PgColumn<ColumnConfig<Value, NotNull, HasDefault>>

/** The columns of a described table's Drizzle table, lifecycle columns included. */
export type DrizzleColumns<C extends Readonly<Record<string, Column>>, Dialect extends 'sqlite' | 'pg'> = {
  [K in keyof TaskLifecycle]: null extends TaskLifecycle[K]
    ? DrizzleColumn<Dialect, NonNullable<TaskLifecycle[K]>, false, false>
    : DrizzleColumn<Dialect, TaskLifecycle[K], true, true>
} & {
  [K in keyof C]: C[K] extends Column<infer Value, infer NotNull, infer HasDefault>
    ? DrizzleColumn<Dialect, Value, NotNull, HasDefault>
    : never
}
