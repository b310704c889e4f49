import type { TaskTable } from './task-table.ts'

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
  /** The values that an enumeration takes. */
  readonly values: readonly string[] | undefined
  /** The task table that a reference points at. */
  readonly target: (() => TaskTable) | undefined
  /** Written by the processor: no flag, and refused where tasks are added. */
  readonly isResult: boolean
}

/**
 * A column in the making: `column.text().notNull().default('HEAD')`.
 *
 * @typeParam Value what the column holds in TypeScript
 * @typeParam NotNull whether null is refused
 * @typeParam HasDefault whether an insert may leave the column out although null is refused
 * @typeParam IsResult whether the processor alone writes the column
 */
export class Column<
  Value = unknown,
  NotNull extends boolean = boolean,
  HasDefault extends boolean = boolean,
  IsResult extends boolean = boolean,
> {
  declare readonly $value: Value
  declare readonly $notNull: NotNull
  declare readonly $hasDefault: HasDefault
  declare readonly $isResult: IsResult
  readonly description: ColumnDescription

  constructor(description: ColumnDescription) {
    this.description = description
  }

  notNull(): Column<Value, true, HasDefault, IsResult> {
    return new Column({ ...this.description, isNotNull: true })
  }

  default(value: Value): Column<Value, NotNull, true, IsResult> {
    return new Column({ ...this.description, defaultValue: value, hasDefault: true })
  }

  /** Says in one line what the column is for; `ops enqueue <processor> --help` shows it. */
  describe(summary: string): Column<Value, NotNull, HasDefault, IsResult> {
    return new Column({ ...this.description, summary })
  }

  /**
   * Says that the processor writes the column, with what it returns: whoever adds a task cannot give it, and it is no
   * flag of `ops enqueue`. Until then it is null, or its default.
   */
  result(): Column<Value, NotNull, HasDefault, true> {
    return new Column({ ...this.description, isResult: true })
  }
}

const plain = {
  isNotNull: false,
  defaultValue: undefined,
  hasDefault: false,
  summary: undefined,
  values: undefined,
  target: undefined,
  isResult: false,
} as const

/** The kinds of columns that a task table can have. */
export const columnTypes = {
  text: () => new Column<string, false, false, false>({ ...plain, type: 'text' }),
  integer: () => new Column<number, false, false, false>({ ...plain, type: 'integer' }),
  real: () => new Column<number, false, false, false>({ ...plain, type: 'real' }),
  boolean: () => new Column<boolean, false, false, false>({ ...plain, type: 'boolean' }),
  json: <Value = unknown>() => new Column<Value, false, false, false>({ ...plain, type: 'json' }),
  timestamp: () => new Column<Date, false, false, false>({ ...plain, type: 'timestamp' }),
  enumeration: <const Value extends string>(values: readonly Value[]) =>
    new Column<Value, false, false, false>({ ...plain, type: 'enumeration', values }),
  /** The id of a task of another task table, a foreign key in the database. */
  reference: (target: () => TaskTable) =>
    new Column<number, false, false, false>({ ...plain, type: 'reference', target }),
}

export type ColumnTypes = typeof columnTypes
