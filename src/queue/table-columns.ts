import type { ColumnType, TaskTable } from '../task-table/task-table.ts'

/** A column of any table, as the database declares it. */
export interface DatabaseColumn {
  readonly name: string
  readonly type: Exclude<ColumnType, 'enumeration' | 'reference'>
  readonly isNotNull: boolean
  readonly hasDefault: boolean
  /** The table that it references. */
  readonly references: string | undefined
}

/** A row of the statement by which a database lists the columns of a table. */
export interface ColumnRow {
  readonly name: string
  readonly type: string
  readonly required: boolean | number
  readonly defaulted: boolean | number
  readonly target: string | null
}

/** The columns in the order of the rows; undefined if there are none, since then the table does not exist. */
export function databaseColumns(rows: readonly ColumnRow[]): DatabaseColumn[] | undefined {
  if (rows.length === 0) return undefined
  return rows.map(({ name, type, required, defaulted, target }) => ({
    name,
    type: columnType(type),
    isNotNull: Boolean(required),
    hasDefault: Boolean(defaulted),
    references: target ?? undefined,
  }))
}

function columnType(type: string): DatabaseColumn['type'] {
  const name = type.toLowerCase()
  if (/^(int|bigint|smallint|serial|bigserial)/.test(name)) return 'integer'
  if (/real|double|float|numeric|decimal/.test(name)) return 'real'
  if (/^bool/.test(name)) return 'boolean'
  if (/^json/.test(name)) return 'json'
  if (/^timestamp/.test(name)) return 'timestamp'
  return 'text'
}

/** The columns of a task table that the database does not have; undefined if it does not have the table. */
export async function missingColumns(
  records: { columns(table: string): Promise<DatabaseColumn[] | undefined> },
  table: TaskTable,
): Promise<string[] | undefined> {
  const present = await records.columns(table.name)
  return present && columnsNotIn(present, table)
}

/** The columns of a task table that are not among these. */
export function columnsNotIn(present: readonly DatabaseColumn[], table: TaskTable): string[] {
  return Object.values(table.columns)
    .map(({ name }) => name)
    .filter((name) => !present.some((column) => column.name === name))
}
