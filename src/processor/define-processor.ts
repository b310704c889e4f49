import { parseDuration } from '../config/duration.ts'
import type { StandardSchema } from '../config/standard-schema.ts'
import { invalidProcessor } from '../errors.ts'
import type { TaskColumn, TaskTable } from '../task-table/task-table.ts'
import { type Retry, retryProblem, toBackoff } from './retry.ts'
import type { TaskContext } from './task-context.ts'

/** The version of the contract between ops and its plugins, declared as `ops.api` in a plugin's package.json. */
export const API_VERSION = 1

/** Marks a processor, whichever copy of this module made it. */
const PROCESSOR: unique symbol = Symbol.for('ops-cli.processor') as never

/** When nothing else is declared: after build (10) and deploy (20). */
const DEFAULT_PRIORITY = 100

/** What at most one task at once may have: a key, with a value that each task has in a column. */
export interface ExclusiveBy<Column extends string = string> {
  /** What people and other processors call it: `environment` in `environment:production`. */
  readonly key: string
  readonly column: Column
}

/** What a plugin says of a processor. */
export interface ProcessorDefinition<
  Select extends object = object,
  Insert extends object = object,
  Own extends object = object,
  Settings = unknown,
> {
  /** Lower case letters, digits and dashes; the name in `ops enqueue <name>`. */
  readonly name: string
  /** One line for `--help`. */
  readonly summary?: string
  readonly table: TaskTable<Select, Insert, Own>
  /** Tables are searched in this order, the smallest first. Default 100. */
  readonly priority?: number
  /** At most one task of this processor at once, over all workers. The settings may decide. */
  readonly exclusive?: boolean | ((settings: Settings) => boolean)
  /**
   * At most one task at once for each value of a column, over all processors with the same key. A column alone is its
   * own key, by its name in the database.
   */
  readonly exclusiveBy?: (keyof Own & string) | ExclusiveBy<keyof Own & string>
  /**
   * Columns that reference another task table. The task waits until the tasks that they name are settled, and fails
   * when one of them did not succeed.
   */
  readonly after?: (keyof Own & string) | readonly (keyof Own & string)[]
  /**
   * While a task with the same values in these columns is pending or ongoing, adding another returns that one. Null is
   * a value like another.
   */
  readonly unique?: readonly (keyof Own & string)[]
  /** Tries a task again that threw. Default: the first failure is final. */
  readonly retry?: Retry | ((settings: Settings) => Retry | undefined)
  /**
   * What becomes of a task whose worker died: `'fail'`, since it may have done half of its work, or `'retry'` where
   * doing it again is safe and attempts are left. A task that took three workers with it is failed all the same.
   */
  readonly onCrash?: 'fail' | 'retry'
  /** What becomes of a task that a shutdown ended: `'fail'`, or `'retry'`, which does not count as an attempt. */
  readonly onInterrupt?: 'fail' | 'retry'
  /** The longest a run may take, such as `'30m'`. Default: no limit. */
  readonly timeout?: string | ((settings: Settings) => string | undefined)
  /**
   * Checks what is typed, beyond the columns, and may replace values: `ops enqueue` writes what it returns. The settings
   * may decide.
   */
  readonly input?:
    | StandardSchema<unknown, Partial<NoInfer<Insert>>>
    | ((settings: Settings) => StandardSchema<unknown, Partial<NoInfer<Insert>>>)
  /** Checks the plugin's part of the configuration, and types `context.settings`. */
  readonly settings?: StandardSchema<unknown, Settings>
  /**
   * Performs one task. What it returns is written to the task's own columns together with `succeeded`; when it throws,
   * the task is `failed` with the message of the error.
   */
  perform(
    task: Select,
    context: TaskContext<Settings>,
  ): Promise<Partial<NoInfer<Own>> | undefined | void> | Partial<NoInfer<Own>> | undefined | void
}

export interface Processor<
  Select extends object = object,
  Insert extends object = object,
  Own extends object = object,
  Settings = unknown,
> extends ProcessorDefinition<Select, Insert, Own, Settings> {
  readonly priority: number
}

/** Any processor, where the types of its table do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: perform is contravariant in all four
export type AnyProcessor = Processor<any, any, any, any>

/**
 * Declares a processor; the default export of the module that a plugin's package.json names.
 *
 * @throws OpsError INVALID_PROCESSOR when the declaration contradicts itself or its table
 */
export function defineProcessor<Select extends object, Insert extends object, Own extends object, Settings = unknown>(
  definition: ProcessorDefinition<Select, Insert, Own, Settings>,
): Processor<Select, Insert, Own, Settings> {
  const { name, table, priority = DEFAULT_PRIORITY, exclusive, exclusiveBy, timeout } = definition
  const refuse = (problem: string) => {
    throw invalidProcessor(String(name), problem)
  }
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name))
    refuse('a name is lower case letters, digits and dashes, and begins with a letter')
  if (!table?.columns) refuse('"table" must be made by taskTable or existingTable')
  if (!Number.isSafeInteger(priority)) refuse(`"priority" must be a whole number, not ${priority}`)
  if (typeof definition.perform !== 'function') refuse('"perform" must be a function')
  if (exclusive && exclusiveBy !== undefined) refuse('"exclusive" and "exclusiveBy" exclude each other; keep one')
  const exclusivity = exclusiveBy === undefined ? undefined : exclusivityProblem(exclusiveBy, table)
  if (exclusivity !== undefined) refuse(exclusivity)
  if (typeof timeout === 'string') parseDuration(timeout, 'timeout')
  for (const problem of orderProblems(definition)) refuse(problem)
  for (const problem of againProblems(definition)) refuse(problem)
  return Object.assign({ ...definition, priority }, { [PROCESSOR]: API_VERSION })
}

function exclusivityProblem(given: unknown, table: TaskTable): string | undefined {
  if (!isExclusiveBy(given)) {
    const shape = "a column, or { key: 'environment', column: 'target' }"
    return `"exclusiveBy" must be ${shape}, not ${JSON.stringify(given)}`
  }
  const column = typeof given === 'string' ? given : given.column
  if (!table.columns[column]) return `"exclusiveBy" names "${column}", which is no column of "${table.name}"`
  const { key } = exclusivityKey(given, table)
  if (key === 'processor') return '"exclusiveBy" cannot have the key "processor", which names processors; name another'
  // A value follows behind a colon, and people type it.
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(key))
    return `the key of "exclusiveBy" is letters, digits, "_", "." and "-", and begins with a letter, so it cannot be "${key}"`
  return undefined
}

/** A column, or a key and a column, whoever wrote it. */
export function isExclusiveBy(value: unknown): value is string | ExclusiveBy {
  const isText = (part: unknown) => typeof part === 'string' && part !== ''
  if (typeof value !== 'object' || value === null) return isText(value)
  const { key, column, ...rest } = value as Record<string, unknown>
  return isText(key) && isText(column) && Object.keys(rest).length === 0
}

/** The key, and the name of the column in the database, however they are declared. */
export function exclusivityKey(exclusiveBy: string | ExclusiveBy, table: TaskTable): ExclusiveBy {
  if (typeof exclusiveBy !== 'string') return { ...exclusiveBy, column: table.columns[exclusiveBy.column]!.name }
  const column = table.columns[exclusiveBy]!.name
  return { key: column, column }
}

/** Any definition, as it is checked. */
type Definition = Pick<AnyProcessor, 'table' | 'after' | 'unique' | 'retry' | 'onCrash' | 'onInterrupt'>

function orderProblems({ table, after, unique }: Definition): string[] {
  const columns = table.columns as Record<string, TaskColumn | undefined>
  const missing = (rule: string, keys: readonly string[]) =>
    keys.filter((key) => !columns[key]).map((key) => `"${rule}" names "${key}", which is no column of "${table.name}"`)
  const awaited = prerequisiteKeys(after)
  const alike: readonly string[] = unique ?? []
  return [
    ...missing('after', awaited),
    ...missing('unique', alike),
    ...awaited
      .filter((key) => columns[key] && !columns[key].target)
      .map((key) => `"after" names "${key}", which must be a reference to another task table`),
    ...alike
      .filter((key) => ['json', 'timestamp'].includes(columns[key]?.type ?? ''))
      .map((key) => `"unique" names "${key}", and values of type ${columns[key]!.type} cannot be compared`),
  ]
}

function againProblems({ table, retry, onCrash, onInterrupt }: Definition): string[] {
  const has = (name: string) =>
    Object.values(table.columns as Record<string, TaskColumn>).some((column) => column.name === name)
  const problems: string[] = []
  for (const [rule, value] of Object.entries({ onCrash, onInterrupt })) {
    if (value !== undefined && value !== 'fail' && value !== 'retry')
      problems.push(`"${rule}" must be "fail" or "retry", not "${value}"`)
  }
  if (retry === undefined) return problems
  const lacking = ['run_at', 'attempt'].filter((name) => !has(name))
  if (lacking.length > 0)
    problems.push(`"retry" needs the columns run_at and attempt; "${table.name}" lacks ${lacking.join(' and ')}`)
  if (typeof retry === 'object') {
    const problem = retryProblem(retry)
    if (problem === undefined) toBackoff(retry)
    else problems.push(problem)
  } else if (typeof retry !== 'function') {
    problems.push(`"retry" must be an object such as { attempts: 3, delay: '10s' }, not ${JSON.stringify(retry)}`)
  }
  return problems
}

/** The columns that a processor waits for, however it says so. */
export function prerequisiteKeys(after: AnyProcessor['after']): readonly string[] {
  if (after === undefined) return []
  return typeof after === 'string' ? [after] : (after as readonly string[])
}

/** The schema of what is typed, under the plugin's settings. */
export function inputSchema(
  { input }: Pick<AnyProcessor, 'input'>,
  settings: unknown,
): StandardSchema<unknown, object> | undefined {
  // Some schemas are functions themselves.
  const isDecided = typeof input === 'function' && !('~standard' in input)
  return isDecided ? input(settings) : (input as StandardSchema<unknown, object> | undefined)
}

export function isProcessor(value: unknown): value is AnyProcessor {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[PROCESSOR] === API_VERSION
}
