import type { ColumnDescription, TaskTable } from './task-table.ts'

/**
 * A column being described: `column.text().notNull().default('HEAD')`.
 *
 * @typeParam Value the column's type in TypeScript
 * @typeParam NotNull whether null is refused
 * @typeParam HasDefault whether an insert may omit the column even if null is refused
 * @typeParam IsResult whether only the processor writes the column
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

  /** Describes the column in one line, shown by `ops enqueue <processor> --help`. */
  describe(summary: string): Column<Value, NotNull, HasDefault, IsResult> {
    return new Column({ ...this.description, summary })
  }

  /**
   * Marks a column that the processor writes with what it returns: it cannot be set when a task is added and has no
   * flag in `ops enqueue`. Until the task succeeds it is null, or its default.
   */
  result(): Column<Value, NotNull, HasDefault, true> {
    return new Column({ ...this.description, isResult: true })
  }
}

const base = {
  isNotNull: false,
  defaultValue: undefined,
  hasDefault: false,
  summary: undefined,
  values: undefined,
  target: undefined,
  isResult: false,
} as const

/** The column types of a task table. */
export const columnTypes = {
  text: () => new Column<string, false, false, false>({ ...base, type: 'text' }),
  integer: () => new Column<number, false, false, false>({ ...base, type: 'integer' }),
  real: () => new Column<number, false, false, false>({ ...base, type: 'real' }),
  boolean: () => new Column<boolean, false, false, false>({ ...base, type: 'boolean' }),
  json: <Value = unknown>() => new Column<Value, false, false, false>({ ...base, type: 'json' }),
  timestamp: () => new Column<Date, false, false, false>({ ...base, type: 'timestamp' }),
  enumeration: <const Value extends string>(values: readonly Value[]) =>
    new Column<Value, false, false, false>({ ...base, type: 'enumeration', values }),
  /** The id of a task in another task table: a foreign key in the database. */
  reference: (target: () => TaskTable) =>
    new Column<number, false, false, false>({ ...base, type: 'reference', target }),
}

export type ColumnTypes = typeof columnTypes
