import { InvalidTaskError, nearest } from '../errors.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

/** The columns that are not ops': what was asked for, and what came of it. */
export function ownColumns(table: TaskTable): TaskColumn[] {
  return Object.values(table.columns).filter(({ isLifecycle }) => !isLifecycle)
}

/** The columns that whoever adds a task may set. */
export function inputColumns(table: TaskTable): TaskColumn[] {
  return ownColumns(table).filter(({ isResult }) => !isResult)
}

/**
 * What is wrong with the values of a new task, every problem at once: unknown and missing columns, wrong types.
 *
 * @returns sentences without the subject; none when the values are right
 */
export function checkTask(table: TaskTable, values: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = []
  for (const key in values) {
    if (values[key] === undefined) continue
    const column = table.columns[key]
    if (!column || column.isLifecycle || column.isResult) problems.push(refusal(table, key, column))
    else {
      const problem = checkValue(column, values[key])
      if (problem !== undefined) problems.push(problem)
    }
  }
  for (const key in table.columns) {
    const column = table.columns[key]!
    if (isRequired(column) && values[key] === undefined) problems.push(`"${key}" is missing`)
  }
  return problems
}

/** @throws InvalidTaskError when something is wrong with the values of one of the new tasks */
export function needRightTasks(table: TaskTable, rows: readonly Readonly<Record<string, unknown>>[]): void {
  for (const [index, row] of rows.entries()) {
    const problems = checkTask(table, row)
    if (problems.length > 0)
      throw new InvalidTaskError(rows.length > 1 ? `${table.name}, task ${index + 1}` : table.name, problems)
  }
}

/** Whether a task cannot be added without a value for it. */
export function isRequired({ isNotNull, hasDefault, isLifecycle, isResult }: TaskColumn): boolean {
  return isNotNull && !hasDefault && !isLifecycle && !isResult
}

function refusal(table: TaskTable, key: string, column: TaskColumn | undefined): string {
  if (column?.isLifecycle) return `"${key}" is set by ops and cannot be given`
  if (column) return `"${key}" is written by the processor and cannot be given`
  const keys = inputColumns(table).map((known) => known.key)
  const meant = nearest(key, keys)
  return meant === undefined
    ? `"${key}" is no column of "${table.name}", which has ${keys.join(', ')}`
    : `"${key}" is no column of "${table.name}"; did you mean "${meant}"?`
}

function checkValue(column: TaskColumn, value: unknown): string | undefined {
  const expected = (what: string) => `"${column.key}" must be ${what}, not ${JSON.stringify(value)}`
  if (value === null) return column.isNotNull ? expected('given') : undefined
  switch (column.type) {
    case 'text':
      return typeof value === 'string' ? undefined : expected('a text')
    case 'integer':
      return Number.isSafeInteger(value) ? undefined : expected('a whole number')
    case 'real':
      return typeof value === 'number' && Number.isFinite(value) ? undefined : expected('a number')
    case 'boolean':
      return typeof value === 'boolean' ? undefined : expected('true or false')
    case 'timestamp':
      return value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : expected('an instant')
    case 'enumeration':
      return column.values!.includes(value as string) ? undefined : expected(`one of ${column.values!.join(', ')}`)
    case 'reference':
      return Number.isSafeInteger(value) ? undefined : expected(`the id of a task of "${column.target!().name}"`)
    case 'json':
      return undefined
  }
}
