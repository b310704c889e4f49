import { nearest } from '../errors.ts'
import type { TaskColumn, TaskTable } from './task-table.ts'

/** The columns that whoever enqueues may set. */
export function ownColumns(table: TaskTable): TaskColumn[] {
  return Object.values(table.columns).filter(({ isLifecycle }) => !isLifecycle)
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
    if (!column || column.isLifecycle) problems.push(unknownColumn(table, key, column !== undefined))
    else {
      const problem = checkValue(column, values[key])
      if (problem !== undefined) problems.push(problem)
    }
  }
  for (const key in table.columns) {
    const column = table.columns[key]!
    if (column.isNotNull && !column.hasDefault && !column.isLifecycle && values[key] === undefined)
      problems.push(`"${key}" is missing`)
  }
  return problems
}

function unknownColumn(table: TaskTable, key: string, isLifecycle: boolean): string {
  if (isLifecycle) return `"${key}" is set by ops and cannot be given`
  const keys = ownColumns(table).map((column) => column.key)
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
