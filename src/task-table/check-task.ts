import { type InputProblem, InvalidTaskError, nearest } from '../errors.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

/** The columns that are not lifecycle columns: input and results. */
export function ownColumns(table: TaskTable): TaskColumn[] {
  return Object.values(table.columns).filter(({ isLifecycle }) => !isLifecycle)
}

/** The columns that can be set when a task is added. */
export function inputColumns(table: TaskTable): TaskColumn[] {
  return ownColumns(table).filter(({ isResult }) => !isResult)
}

/**
 * Checks the values of a new task: unknown and missing columns, wrong types.
 *
 * @returns every problem; empty if the values are valid
 */
export function checkTask(table: TaskTable, values: Readonly<Record<string, unknown>>): InputProblem[] {
  const problems: InputProblem[] = []
  for (const key in values) {
    if (values[key] === undefined) continue
    const column = table.columns[key]
    if (!column || column.isLifecycle || column.isResult) problems.push({ message: explainRefusal(table, key, column) })
    else {
      const problem = checkValue(column, values[key])
      if (problem !== undefined) problems.push({ where: key, message: problem })
    }
  }
  for (const key in table.columns) {
    const column = table.columns[key]!
    if (isRequired(column) && values[key] === undefined) problems.push({ message: `"${key}" is missing` })
  }
  return problems
}

/** @throws InvalidTaskError if the values of one of the new tasks are not valid */
export function requireValidTasks(table: TaskTable, rows: readonly Readonly<Record<string, unknown>>[]): void {
  for (const [index, row] of rows.entries()) {
    const problems = checkTask(table, row)
    if (problems.length > 0)
      throw new InvalidTaskError(rows.length > 1 ? `${table.name}, task ${index + 1}` : table.name, problems)
  }
}

/** Whether a new task must have a value for it. */
export function isRequired({ isNotNull, hasDefault, isLifecycle, isResult }: TaskColumn): boolean {
  return isNotNull && !hasDefault && !isLifecycle && !isResult
}

/** Which instants every database can store. */
export const storableTime = 'a time between the years 1 and 9999'

export function isStorable(at: Date): boolean {
  const year = at.getUTCFullYear()
  return year >= 1 && year <= 9999
}

function explainRefusal(table: TaskTable, key: string, column: TaskColumn | undefined): string {
  if (column?.isLifecycle) return `"${key}" is set by ops`
  if (column) return `"${key}" is set by the processor`
  const keys = inputColumns(table).map((known) => known.key)
  const meant = nearest(key, keys)
  return meant === undefined
    ? `unknown column "${key}"; the columns are ${keys.join(', ')}`
    : `unknown column "${key}"; did you mean "${meant}"?`
}

/** What is wrong with a value that is stored in a column; the values of existing tables are those of the application. */
export function valueProblem(column: TaskColumn, value: unknown): string | undefined {
  if (value === null && !column.isNotNull) return undefined
  // An id of any size, which the foreign key checks.
  if (column.codec !== undefined || column.type === 'reference') return undefined
  return checkValue(column, value)
}

/** How much of a wrong value an error shows. */
const SHOWN_LENGTH = 100

function shown(value: unknown): string {
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'an invalid one'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}

function checkValue(column: TaskColumn, value: unknown): string | undefined {
  const expected = (what: string) => `expected ${what}, got ${shown(value)}`
  if (value === null) return column.isNotNull ? 'expected a value, got null' : undefined
  switch (column.type) {
    case 'text':
      return typeof value === 'string' ? undefined : expected('a string')
    case 'integer':
      return Number.isSafeInteger(value) ? undefined : expected('a whole number')
    case 'real':
      return typeof value === 'number' && Number.isFinite(value) ? undefined : expected('a number')
    case 'boolean':
      return typeof value === 'boolean' ? undefined : expected('true or false')
    case 'timestamp':
      if (!(value instanceof Date) || Number.isNaN(value.getTime())) return expected('a date and time')
      return isStorable(value) ? undefined : expected(storableTime)
    case 'enumeration':
      return column.values!.includes(value as string) ? undefined : expected(`one of ${column.values!.join(', ')}`)
    case 'reference':
      return Number.isSafeInteger(value) ? undefined : expected(`the id of a task in "${column.target!().name}"`)
    case 'json':
      return undefined
  }
}
