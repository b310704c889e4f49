import { exitStatus, OpsError } from '../errors.ts'
import { columnTypes } from '../task-table/column.ts'
import { taskTable, toSnakeCase } from '../task-table/described-table.ts'
import { lifecycleColumns } from '../task-table/lifecycle.ts'
import type { ColumnType, TaskTable } from '../task-table/task-table.ts'
import { camelCase, columnProblem, nameProblem, tableNameOf, tableProblem } from './names.ts'

/** A processor to generate, checked. */
export interface ProcessorSpec {
  readonly name: string
  readonly table: string
  readonly columns: readonly ColumnSpec[]
  readonly priority: number
  /** The key of a column. */
  readonly exclusiveBy: string | undefined
}

export interface ColumnSpec {
  /** In camel case. */
  readonly key: string
  readonly type: SpecType
  readonly isRequired: boolean
  /** Of an enumeration. */
  readonly values: readonly string[]
}

/** References import another table, which the author has to write. */
export type SpecType = Exclude<ColumnType, 'reference'>

/** What the user typed. */
export interface ProcessorArguments {
  readonly name: string
  readonly table?: string | undefined
  readonly columns: readonly string[]
  readonly priority?: number | undefined
  readonly exclusiveBy?: string | undefined
}

/** Names that other plugins use. */
export interface TakenNames {
  /** The plugin of each processor. */
  readonly processors: ReadonlyMap<string, string>
  /** The owner of each task table. */
  readonly tables: ReadonlyMap<string, string>
}

export const DEFAULT_COLUMN = 'subject:text!'

export const DEFAULT_PRIORITY = 100

/** @throws OpsError with the code PROCESSOR_REFUSED and every problem */
export function parseProcessorSpec(given: ProcessorArguments, taken: TakenNames): ProcessorSpec {
  const { name, table = tableNameOf(name), priority = DEFAULT_PRIORITY } = given
  const { columns, problems } = parseColumns(given.columns.length > 0 ? given.columns : [DEFAULT_COLUMN])
  const ofName = processorProblem(name, taken)
  const exclusiveBy = given.exclusiveBy === undefined ? undefined : camelCase(given.exclusiveBy)
  const all = [
    ofName,
    // A table named after an invalid name is not the user's mistake.
    ofName !== undefined && given.table === undefined ? undefined : taskTableProblem(table, taken),
    ...problems,
    Number.isSafeInteger(priority) ? undefined : `The priority must be a whole number, not ${priority}.`,
    // The column may be one of those that have problems.
    exclusiveBy === undefined || problems.length > 0 ? undefined : exclusivityProblem(exclusiveBy, columns),
  ].filter((problem) => problem !== undefined)
  if (all.length > 0) throw processorRefused(all)
  return { name, table, columns, priority, exclusiveBy }
}

export function processorRefused(problems: readonly string[]): OpsError {
  const list = problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n  ${problem}`).join('')
  return new OpsError('PROCESSOR_REFUSED', `Cannot generate this processor:${list}`, {
    exit: exitStatus.usage,
    suggestions: ['see the options: ops generate processor --help'],
  })
}

export function processorProblem(name: string, { processors }: TakenNames): string | undefined {
  const plugin = processors.get(name)
  return nameProblem(name) ?? (plugin && `The processor "${name}" already exists, in ${plugin}.`)
}

export function taskTableProblem(table: string, { tables }: TakenNames): string | undefined {
  const owner = tables.get(table)
  return tableProblem(table) ?? (owner && `The table "${table}" already exists; it belongs to ${owner}.`)
}

/** Columns whose values can be exclusivity keys. */
export function keyColumns(columns: readonly ColumnSpec[]): readonly ColumnSpec[] {
  return columns.filter(({ type }) => !['json', 'timestamp', 'real'].includes(type))
}

function exclusivityProblem(key: string, columns: readonly ColumnSpec[]): string | undefined {
  const column = columns.find((one) => one.key === key)
  const names = columns.map((one) => one.key).join(', ')
  if (!column) return `--exclusive-by: no column "${key}"; the columns are: ${names}.`
  if (keyColumns([column]).length > 0) return undefined
  return `--exclusive-by: "${key}" has the type ${column.type}, which cannot be a key.`
}

const types = Object.keys(columnTypes).filter((type) => type !== 'reference') as readonly SpecType[]

/**
 * Parses columns such as `recipient:text!`, `sentAt:timestamp` or `size:enumeration:small,large!`.
 *
 * @returns the columns, and everything that is wrong
 */
export function parseColumns(texts: readonly string[]): { columns: ColumnSpec[]; problems: string[] } {
  const columns: ColumnSpec[] = []
  const problems: string[] = []
  for (const text of texts) {
    const parsed = parseColumn(text, columns)
    if (typeof parsed === 'string') problems.push(parsed)
    else columns.push(parsed)
  }
  return { columns, problems }
}

function parseColumn(text: string, before: readonly ColumnSpec[]): ColumnSpec | string {
  const parts = /^([^:!?]*):([a-z]+)(?::([^!?]*))?([!?]?)$/i.exec(text.trim())
  if (!parts) return `Invalid column "${text}": expected name:type, or name:type! if required, such as recipient:text!.`
  const [, name = '', type = '', list, mark] = parts
  if (type === 'reference') return `"${text}" references another table; add it in the module of the processor.`
  if (!isType(type)) return `Invalid column "${text}": expected a type of ${types.join(', ')}, got "${type}".`
  const key = camelCase(name)
  const problem = columnProblem(key) ?? duplicateProblem(key, before) ?? valuesProblem(text, type, list)
  return problem ?? { key, type, isRequired: mark === '!', values: list?.split(',') ?? [] }
}

function isType(text: string): text is SpecType {
  return (types as readonly string[]).includes(text)
}

function duplicateProblem(key: string, before: readonly ColumnSpec[]): string | undefined {
  const name = toSnakeCase(key)
  if (Object.values(lifecycleColumns).some((column) => column.name === name))
    return `Every task table already has a column "${name}".`
  if (before.some((column) => toSnakeCase(column.key) === name)) return `Duplicate column "${name}".`
  return undefined
}

function valuesProblem(text: string, type: SpecType, list: string | undefined): string | undefined {
  if (type !== 'enumeration') return list === undefined ? undefined : `"${text}": only an enumeration has values.`
  const values = list?.split(',') ?? []
  const isValid = values.length > 0 && values.every((value) => /^[\w.-]+$/.test(value))
  if (!isValid) return `"${text}" has no valid values: expected name:enumeration:small,large.`
  return new Set(values).size === values.length ? undefined : `"${text}" has a duplicate value.`
}

/** The task table with these columns. */
export function tableOf(name: string, columns: readonly ColumnSpec[]): TaskTable {
  return taskTable(name, () => Object.fromEntries(columns.map((column) => [column.key, describe(column)])))
}

function describe({ type, values, isRequired }: ColumnSpec) {
  const column = type === 'enumeration' ? columnTypes.enumeration(values) : columnTypes[type]()
  return isRequired ? column.notNull() : column
}
