import type { Status } from '../task/lifecycle.ts'

/** What a column holds. Instants are `Date` in TypeScript, milliseconds in SQLite and `timestamptz` in PostgreSQL. */
export type ColumnType = 'text' | 'integer' | 'real' | 'boolean' | 'json' | 'timestamp' | 'enumeration' | 'reference'

/** The description of one column of a task table, from which both databases, the flags and the checks are made. */
export interface ColumnDescription {
  readonly type: ColumnType
  readonly isNotNull: boolean
  readonly defaultValue: unknown
  readonly hasDefault: boolean
  /** One line for `--help`. */
  readonly summary: string | undefined
  /** The values of an enumeration. */
  readonly values: readonly string[] | undefined
  /** The task table that a reference points to. */
  readonly target: (() => TaskTable) | undefined
  /** Written by the processor: it has no flag and cannot be set when a task is added. */
  readonly isResult: boolean
}

/** One column of a task table: its key in TypeScript and its name in the database. */
export interface TaskColumn extends ColumnDescription {
  readonly key: string
  readonly name: string
  /** Set by ops and the database, never by the caller that adds a task. */
  readonly isLifecycle: boolean
  /** How a column of an existing table converts its values; a described column is converted by its type. */
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
  /** Whether it belongs to the application, and ops prunes it only where it is asked to. */
  readonly isExisting?: boolean
  /** Every column, by its key in TypeScript. */
  readonly columns: Readonly<Record<string, TaskColumn>>
  /** A row. */
  readonly $inferSelect: Select
  /** What `enqueue` takes: the table's own columns without results. */
  readonly $inferInsert: Insert
  /** The table's own columns, as in a row. */
  readonly $inferOwn: Own
}

/** The type of a task's id, from the type of its row: a number or a string where the row does not say. */
export type TaskIdOf<Select> = Select extends { readonly id: infer Id extends number | string } ? Id : number | string

/** The column with this name in the database, if there is one: an existing table may have few lifecycle columns. */
export function columnNamed(table: TaskTable, name: string): TaskColumn | undefined {
  return Object.values(table.columns).find((column) => column.name === name)
}
