import { createRequire } from 'node:module'
import { extname } from 'node:path'
import type { PgTableWithColumns } from 'drizzle-orm/pg-core'
import type { SQLiteTableWithColumns } from 'drizzle-orm/sqlite-core'
import { InvalidTaskTableError } from '../errors.ts'
import type { Status } from '../task/lifecycle.ts'
import { type Column, type ColumnDescription, type ColumnTypes, columnTypes } from './column.ts'
import type { DrizzleColumns } from './drizzle-types.ts'
import { lifecycleColumns } from './lifecycle-columns.ts'

/** One column of a task table as the rest of ops sees it: the key in TypeScript, the name in the database. */
export interface TaskColumn extends ColumnDescription {
  readonly key: string
  readonly name: string
  /** Set by ops and by the database, never by whoever enqueues. */
  readonly isLifecycle: boolean
  /** How an existing Drizzle column writes and reads its values; a described column goes by its type. */
  readonly codec?: { encode(value: unknown): unknown; decode(raw: unknown): unknown }
}

/** The lifecycle columns of a task, as a processor sees them. */
export interface TaskLifecycle {
  id: number
  status: Status
  createdAt: Date
  runAt: Date
  attempt: number
  startedAt: Date | null
  finishedAt: Date | null
  error: string | null
  progress: number | null
  progressNote: string | null
}

/** A table whose rows are tasks. Made by `taskTable` or `existingTable`. */
export interface TaskTable<
  Select extends object = object,
  Insert extends object = object,
  Own extends object = object,
> {
  readonly name: string
  /** Every column, by its key in TypeScript. */
  readonly columns: Readonly<Record<string, TaskColumn>>
  /** A whole row. */
  readonly $inferSelect: Select
  /** What an enqueue takes: the table's own columns. */
  readonly $inferInsert: Insert
  /** The table's own columns as a row holds them. */
  readonly $inferOwn: Own
}

/** The id of a task by the type of its row; where that says nothing, a number or a text. */
export type TaskIdOf<Select> = Select extends { readonly id: infer Id extends number | string } ? Id : number | string

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

/** A task table made from one description, with its Drizzle table for each database. */
export interface DescribedTaskTable<Name extends string, C extends Columns>
  extends TaskTable<Flat<TaskLifecycle & OwnColumns<C>>, OwnInsert<C>, OwnColumns<C>> {
  /** The Drizzle table for SQLite. Drizzle is imported when this is first read. */
  readonly sqlite: SQLiteTableWithColumns<{
    name: Name
    schema: undefined
    dialect: 'sqlite'
    columns: DrizzleColumns<C, 'sqlite'>
  }>
  /** The Drizzle table for PostgreSQL. Drizzle is imported when this is first read. */
  readonly postgres: PgTableWithColumns<{
    name: Name
    schema: undefined
    dialect: 'pg'
    columns: DrizzleColumns<C, 'pg'>
  }>
}

/**
 * Describes a task table once, for both databases. The lifecycle columns are added.
 *
 * @param name the table's name in the database
 * @param describe makes the table's own columns; a key in camel case is a column in snake case
 * @throws InvalidTaskTableError when a name cannot be a column or is one of the lifecycle columns
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
      if (!/^[a-z][a-z0-9_]*$/.test(name))
        throw new InvalidTaskTableError(table, `"${key}" cannot be the name of a column`)
      if (names.has(name))
        throw new InvalidTaskTableError(table, `"${key}" stands for the column "${name}", which is taken`)
      if (description.isResult && description.isNotNull && !description.hasDefault)
        throw new InvalidTaskTableError(table, `"${key}" is a result, so it must have a default or may be null`)
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
    return this.#keep('sqlite')
  }

  get postgres(): unknown {
    return this.#keep('postgres')
  }

  /**
   * Drizzle costs a command 50 ms, and most never look at the Drizzle table: so it is required, not imported.
   * Requiring an ES module gives the one copy that everybody imports.
   */
  #keep(dialect: 'sqlite' | 'postgres'): unknown {
    const drizzle = require(`./drizzle-${dialect}${extname(import.meta.filename)}`)
    const table = drizzle.drizzleTable(this)
    Object.defineProperty(this, dialect, { value: table, enumerable: true })
    return table
  }
}
