import type { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import { inputColumns, isRequired } from '../task-table/check-task.ts'
import { toSnakeCase } from '../task-table/described-table.ts'
import type { TaskColumn, TaskTable } from '../task-table/task-table.ts'

type Flag = Command.Flag.Any

/** A flag made from a column. */
export interface ColumnFlag {
  readonly flag: string
  readonly column: TaskColumn
}

/**
 * The flags of a task table: its columns in kebab case.
 *
 * @param taken flags of the command itself; a column of such a name gets a prefix
 */
export function columnFlags(table: TaskTable, taken: readonly string[]): ColumnFlag[] {
  return inputColumns(table).map((column) => {
    const flag = toFlag(column.key)
    return { column, flag: taken.includes(flag) ? `task-${flag}` : flag }
  })
}

/** The flag of a column, without a prefix. */
export function toFlag(key: string): string {
  return toSnakeCase(key).replaceAll('_', '-')
}

/**
 * The same for oclif. All values are texts here, and none is required: what is wrong is told together and not one by
 * one.
 */
export function oclifFlags(flags: readonly ColumnFlag[], { forHelp }: { forHelp: boolean }): Record<string, Flag> {
  return Object.fromEntries(
    flags.map(({ flag, column }) => {
      const summary = summaryOf(column)
      if (column.type === 'boolean') return [flag, Flags.boolean({ summary, allowNo: true, helpGroup: 'TASK' })]
      const required = forHelp && isRequired(column)
      return [flag, Flags.string({ summary, required, helpGroup: 'TASK', helpValue: `<${valueName(column)}>` })]
    }),
  )
}

function summaryOf({ summary, hasDefault, defaultValue, key }: TaskColumn): string {
  const text = summary ?? toSnakeCase(key).replaceAll('_', ' ')
  return hasDefault ? `${text} [default: ${defaultValue}]` : text
}

function valueName(column: TaskColumn): string {
  switch (column.type) {
    case 'enumeration':
      return column.values!.join('|')
    case 'reference':
      return `id of ${column.target!().name}`
    case 'timestamp':
      return 'time'
    default:
      return column.type
  }
}
