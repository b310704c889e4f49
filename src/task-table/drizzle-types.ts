import type { PgColumn } from 'drizzle-orm/pg-core'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Column } from './column.ts'
import type { TaskLifecycle } from './task-table.ts'

/** What Drizzle's types know of a column; they infer rows from `data`, `notNull` and `hasDefault`. */
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

/** The columns of the Drizzle table that is made from a description, lifecycle columns included. */
export type DrizzleColumns<C extends Readonly<Record<string, Column>>, Dialect extends 'sqlite' | 'pg'> = {
  [K in keyof TaskLifecycle]: null extends TaskLifecycle[K]
    ? DrizzleColumn<Dialect, NonNullable<TaskLifecycle[K]>, false, false>
    : DrizzleColumn<Dialect, TaskLifecycle[K], true, true>
} & {
  [K in keyof C]: C[K] extends Column<infer Value, infer NotNull, infer HasDefault>
    ? DrizzleColumn<Dialect, Value, NotNull, HasDefault>
    : never
}
