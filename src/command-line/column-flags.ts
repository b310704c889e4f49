import type { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import { inputColumns, isRequired, isStorable, storableTime } from '../task-table/check-task.ts'
import { toSnakeCase } from '../task-table/described-table.ts'
import { parseTime } from '../task-table/parse-time.ts'
import type { TaskColumn, TaskTable } from '../task-table/task-table.ts'

type Flag = Command.Flag.Any

/** A flag for a column. */
export interface ColumnFlag {
  readonly flag: string
  readonly column: TaskColumn
}

/**
 * The flags of a task table: its columns in kebab case.
 *
 * @param taken flags of the command itself; a column with such a name gets the prefix `task-`
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

/** The same for oclif. All values are strings here and none is required, so that all problems are reported at once. */
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

/** Without a summary, the name of the flag says it all. */
function summaryOf({ summary, hasDefault, defaultValue }: TaskColumn): string {
  return [...(summary === undefined ? [] : [summary]), ...(hasDefault ? [`[default: ${defaultValue}]`] : [])].join(' ')
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

export type ParsedValue = { readonly value: unknown } | { readonly problem: string }

/** Parses the text of a flag as a value of a column. */
export function parseColumnValue(column: TaskColumn, given: unknown): ParsedValue {
  if (typeof given !== 'string') return { value: given }
  const expected = (what: string): ParsedValue => ({ problem: `expected ${what}, got "${given}"` })
  switch (column.type) {
    case 'text':
      return { value: given }
    case 'enumeration':
      return column.values!.includes(given) ? { value: given } : expected(`one of ${column.values!.join(', ')}`)
    case 'integer':
      return /^[-+]?\d+$/.test(given) && Number.isSafeInteger(Number(given))
        ? { value: Number(given) }
        : expected('a whole number')
    case 'reference':
      return /^\d+$/.test(given) ? { value: Number(given) } : expected(`the id of a task in "${column.target!().name}"`)
    case 'real':
      return given.trim() !== '' && Number.isFinite(Number(given)) ? { value: Number(given) } : expected('a number')
    case 'boolean':
      return given === 'true' || given === 'false' ? { value: given === 'true' } : expected('true or false')
    case 'timestamp': {
      const at = parseTime(given)
      if (!at) return expected('a time such as 2030-01-31T12:00:00Z')
      return isStorable(at) ? { value: at } : expected(storableTime)
    }
    case 'json':
      try {
        return { value: JSON.parse(given) }
      } catch {
        return expected('JSON')
      }
  }
}
