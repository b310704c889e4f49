import { type ColumnWish, parseColumns } from './column-wish.ts'
import { camelCase, nameProblem, tableNameOf, tableProblem } from './names.ts'
import type { PluginWish } from './plan-plugin.ts'
import { ProcessorRefusedError } from './scaffold-errors.ts'

/** What was typed of a new processor. */
export interface TypedWish {
  readonly name: string
  readonly table?: string | undefined
  readonly columns: readonly string[]
  readonly priority?: number | undefined
  readonly exclusiveBy?: string | undefined
}

/** What is there already. */
export interface Neighbours {
  /** The plugins of the processors, by these. */
  readonly processors: ReadonlyMap<string, string>
  /** Whose the task tables are, by these. */
  readonly tables: ReadonlyMap<string, string>
}

/** Of a task that nothing more is known of. */
export const DEFAULT_COLUMN = 'subject:text!'

export const DEFAULT_PRIORITY = 100

/** @throws ProcessorRefusedError with all that is wrong */
export function parseWish(typed: TypedWish, neighbours: Neighbours): PluginWish {
  const { name, table = tableNameOf(name), priority = DEFAULT_PRIORITY } = typed
  const { columns, problems } = parseColumns(typed.columns.length > 0 ? typed.columns : [DEFAULT_COLUMN])
  const ofName = processorProblem(name, neighbours)
  const ofTable = taskTableProblem(table, neighbours)
  const exclusiveBy = typed.exclusiveBy === undefined ? undefined : camelCase(typed.exclusiveBy)
  const all = [
    ofName,
    // The table of a name that is none was not chosen by anybody.
    ofName !== undefined && typed.table === undefined ? undefined : ofTable,
    ...problems,
    Number.isSafeInteger(priority) ? undefined : `The priority must be a whole number, not ${priority}.`,
    // A column that could not be read has been told already.
    exclusiveBy === undefined || problems.length > 0 ? undefined : exclusivityProblem(exclusiveBy, columns),
  ].filter((problem) => problem !== undefined)
  if (all.length > 0) throw new ProcessorRefusedError(all)
  return { name, table, columns, priority, exclusiveBy }
}

export function processorProblem(name: string, { processors }: Neighbours): string | undefined {
  const plugin = processors.get(name)
  return nameProblem(name) ?? (plugin && `The processor "${name}" is there already: ${plugin} brings it.`)
}

export function taskTableProblem(table: string, { tables }: Neighbours): string | undefined {
  const owner = tables.get(table)
  return tableProblem(table) ?? (owner && `The table "${table}" is there already: it is that of ${owner}.`)
}

/** Columns by whose values tasks can exclude each other. */
export function keyColumns(columns: readonly ColumnWish[]): readonly ColumnWish[] {
  return columns.filter(({ type }) => !['json', 'timestamp', 'real'].includes(type))
}

function exclusivityProblem(key: string, columns: readonly ColumnWish[]): string | undefined {
  const column = columns.find((one) => one.key === key)
  const names = columns.map((one) => one.key).join(', ')
  if (!column) return `Tasks cannot be exclusive by "${key}", which is no column; there are: ${names}.`
  if (keyColumns([column]).length > 0) return undefined
  return `Tasks cannot be exclusive by "${key}": values of type ${column.type} make no key.`
}
