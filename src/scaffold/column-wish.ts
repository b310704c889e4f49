import { columnTypes } from '../task-table/column.ts'
import { taskTable, toSnakeCase } from '../task-table/described-table.ts'
import { lifecycleColumns } from '../task-table/lifecycle.ts'
import type { ColumnType, TaskTable } from '../task-table/task-table.ts'
import { camelCase, columnProblem } from './names.ts'

/** A column that a new task table is to have. */
export interface ColumnWish {
  /** In camel case. */
  readonly key: string
  readonly type: WishedType
  /** Whether a task cannot be without it. */
  readonly isRequired: boolean
  /** Of an enumeration. */
  readonly values: readonly string[]
}

/** References need another table to be imported, which is for the author to write. */
export type WishedType = Exclude<ColumnType, 'reference'>

const types = Object.keys(columnTypes).filter((type) => type !== 'reference') as readonly WishedType[]

/** What may be written for a column. */
const COLUMN_FORM = 'name:type, with ! behind it where it may not be empty'

const columnTypeNames = types.join(', ')

/**
 * Columns from their text: `recipient:text!`, `sentAt:timestamp` or `size:enumeration:small,large!`.
 *
 * @returns the columns, and all that is wrong with the texts
 */
export function parseColumns(texts: readonly string[]): { columns: ColumnWish[]; problems: string[] } {
  const columns: ColumnWish[] = []
  const problems: string[] = []
  for (const text of texts) {
    const parsed = parseColumn(text, columns)
    if (typeof parsed === 'string') problems.push(parsed)
    else columns.push(parsed)
  }
  return { columns, problems }
}

function parseColumn(text: string, before: readonly ColumnWish[]): ColumnWish | string {
  const parts = /^([^:!?]*):([a-z]+)(?::([^!?]*))?([!?]?)$/i.exec(text.trim())
  if (!parts) return `"${text}" is no column: ${COLUMN_FORM}, such as recipient:text! is expected.`
  const [, typed = '', type = '', list, mark] = parts
  if (type === 'reference') return `"${text}" references another table: write that into the module of the processor.`
  if (!isType(type)) return `"${text}" has the type "${type}": one of ${columnTypeNames} is expected.`
  const key = camelCase(typed)
  const problem = columnProblem(key) ?? takenProblem(key, before) ?? valuesProblem(text, type, list)
  return problem ?? { key, type, isRequired: mark === '!', values: list?.split(',') ?? [] }
}

function isType(text: string): text is WishedType {
  return (types as readonly string[]).includes(text)
}

function takenProblem(key: string, before: readonly ColumnWish[]): string | undefined {
  const name = toSnakeCase(key)
  if (Object.values(lifecycleColumns).some((column) => column.name === name))
    return `Every task table has the column "${name}" already.`
  if (before.some((column) => toSnakeCase(column.key) === name)) return `The column "${name}" is there twice.`
  return undefined
}

function valuesProblem(text: string, type: WishedType, list: string | undefined): string | undefined {
  if (type !== 'enumeration')
    return list === undefined ? undefined : `"${text}" has values, which only an enumeration takes.`
  const values = list?.split(',') ?? []
  const isRight = values.length > 0 && values.every((value) => /^[\w.-]+$/.test(value))
  if (!isRight) return `"${text}" has no values: "name:enumeration:small,large" is expected.`
  return new Set(values).size === values.length ? undefined : `"${text}" has a value twice.`
}

/** The table that has these columns. */
export function wishedTable(name: string, columns: readonly ColumnWish[]): TaskTable {
  return taskTable(name, () =>
    Object.fromEntries(columns.map((column) => [column.key, requiredOrNot(described(column), column)])),
  )
}

function described({ type, values }: ColumnWish) {
  return type === 'enumeration' ? columnTypes.enumeration(values) : columnTypes[type]()
}

function requiredOrNot(column: ReturnType<typeof described>, { isRequired }: ColumnWish) {
  return isRequired ? column.notNull() : column
}
