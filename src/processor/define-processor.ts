import { parseDuration } from '../config/duration.ts'
import type { StandardSchema } from '../config/standard-schema.ts'
import { invalidProcessor } from '../errors.ts'
import type { TaskColumn, TaskIdOf, TaskTable } from '../task-table/task-table.ts'
import { type Retry, retryProblem, toBackoff } from './retry.ts'
import type { FilesContext, RemovedFiles, TaskContext } from './task-context.ts'

/** The plugin API that this ops has; a plugin names the one it requires as `ops.api` in its package.json. */
export const API_VERSION = 1

/** Marks a processor, whichever copy of this module made it. */
const PROCESSOR: unique symbol = Symbol.for('ops-cli.processor') as never

/** When nothing else is declared: after build (10) and deploy (20). */
const DEFAULT_PRIORITY = 100

/** A key that one task at a time may hold; its value comes from a column of the task. */
export interface ExclusiveBy<Column extends string = string> {
  /** The name that processors share: `environment` in `environment:production`. */
  readonly key: string
  readonly column: Column
}

/** What a plugin declares about a processor. */
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
  /** Tables are searched in this order, the smallest number first. Default 100. */
  readonly priority?: number
  /** At most one task of this processor at a time, across all workers. May depend on the settings. */
  readonly exclusive?: boolean | ((settings: Settings) => boolean)
  /**
   * At most one task at a time for each value of a column, across all processors with the same key. For a column alone,
   * the key is its name in the database.
   */
  readonly exclusiveBy?: (keyof Own & string) | ExclusiveBy<keyof Own & string>
  /**
   * Columns that reference another task table. The task waits until the tasks they name are settled, and fails if one of
   * them did not succeed.
   */
  readonly after?: (keyof Own & string) | readonly (keyof Own & string)[]
  /**
   * While a task with the same values in these columns is pending or ongoing, adding another returns that one. Two nulls
   * are the same value.
   */
  readonly unique?: readonly (keyof Own & string)[]
  /** Retries a task that throws. Default: the first failure is final. */
  readonly retry?: Retry | ((settings: Settings) => Retry | undefined)
  /**
   * What happens to a task whose worker died: `'fail'`, since it may have done half of its work, or `'retry'` where
   * doing it again is safe and attempts are left. A task that has crashed three workers fails either way.
   */
  readonly onCrash?: 'fail' | 'retry'
  /** What happens to a task that a shutdown interrupts: `'fail'`, or `'retry'`, which does not count as an attempt. */
  readonly onInterrupt?: 'fail' | 'retry'
  /** The longest a run may take, such as `'30m'`. Default: no limit. */
  readonly timeout?: string | ((settings: Settings) => string | undefined)
  /**
   * A limit of one task that its row sets, such as `'10m'`; the shorter one of this and `timeout` counts. A text that is no
   * duration sets none: `perform` may refuse it.
   */
  readonly taskTimeout?: (task: Select, settings: Settings) => string | null | undefined
  /**
   * Checks input beyond the columns, and may replace values: `ops enqueue` writes what it returns. It checks each task
   * again before `perform`, without the columns that are null, so it must accept what it returns. May depend on the
   * settings.
   */
  readonly input?:
    | StandardSchema<unknown, Partial<NoInfer<Insert>>>
    | ((settings: Settings) => StandardSchema<unknown, Partial<NoInfer<Insert>>>)
  /** Checks the plugin's part of the configuration, and types `context.settings`. */
  readonly settings?: StandardSchema<unknown, Settings>
  /**
   * Removes the files that `perform` has kept for tasks, such as artifacts. Called for tasks that are pruned, and for those
   * that nothing refers to once `retention.artifacts` is over, also again; and for tasks that never had a file.
   */
  removeFiles?(ids: readonly TaskIdOf<Select>[], context: FilesContext<Settings>): Promise<RemovedFiles>
  /**
   * Performs one task. What it returns is written to the task's own columns together with `succeeded`; if it throws, the
   * task is `failed` with the message of the error.
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

/** Any processor, whatever the types of its table. */
// biome-ignore lint/suspicious/noExplicitAny: perform is contravariant in all four
export type AnyProcessor = Processor<any, any, any, any>

/**
 * Declares a processor: the default export of the module that a plugin's package.json names.
 *
 * @throws OpsError INVALID_PROCESSOR if the declaration contradicts itself or its table
 */
export function defineProcessor<Select extends object, Insert extends object, Own extends object, Settings = unknown>(
  definition: ProcessorDefinition<Select, Insert, Own, Settings>,
): Processor<Select, Insert, Own, Settings> {
  const { name, table, priority = DEFAULT_PRIORITY, exclusive, exclusiveBy, timeout } = definition
  const refuse = (problem: string) => {
    throw invalidProcessor(String(name), problem)
  }
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name))
    refuse('its name must be lower case letters, digits and dashes, starting with a letter')
  if (!table?.columns) refuse('"table" must be made by taskTable or existingTable')
  if (!Number.isSafeInteger(priority)) refuse(`"priority" must be a whole number, not ${priority}`)
  if (!['function', 'undefined'].includes(typeof definition.taskTimeout)) refuse('"taskTimeout" must be a function')
  if (typeof definition.perform !== 'function') refuse('"perform" must be a function')
  if (definition.removeFiles !== undefined && typeof definition.removeFiles !== 'function')
    refuse('"removeFiles" must be a function')
  if (exclusive && exclusiveBy !== undefined) refuse('"exclusive" and "exclusiveBy" cannot both be set')
  const exclusivity = exclusiveBy === undefined ? undefined : exclusivityProblem(exclusiveBy, table)
  if (exclusivity !== undefined) refuse(exclusivity)
  if (typeof timeout === 'string') parseDuration(timeout, 'timeout')
  for (const problem of orderProblems(definition)) refuse(problem)
  for (const problem of retryProblems(definition)) refuse(problem)
  return Object.assign({ ...definition, priority }, { [PROCESSOR]: API_VERSION })
}

function exclusivityProblem(given: unknown, table: TaskTable): string | undefined {
  if (!isExclusiveBy(given)) {
    const shape = "a column, or { key: 'environment', column: 'target' }"
    return `"exclusiveBy" must be ${shape}, not ${JSON.stringify(given)}`
  }
  const column = typeof given === 'string' ? given : given.column
  if (!table.columns[column]) return `"exclusiveBy" names "${column}", which is not a column of "${table.name}"`
  const { key } = exclusivityKey(given, table)
  if (key === 'processor') return '"exclusiveBy" cannot use the key "processor", which is reserved for "exclusive"'
  // People type it, with a colon and a value behind it.
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(key))
    return `the key of "exclusiveBy" must be letters, digits, "_", "." and "-", starting with a letter, not "${key}"`
  return undefined
}

/** Whether an unknown value is a column, or a key and a column. */
export function isExclusiveBy(value: unknown): value is string | ExclusiveBy {
  const isText = (part: unknown) => typeof part === 'string' && part !== ''
  if (typeof value !== 'object' || value === null) return isText(value)
  const { key, column, ...rest } = value as Record<string, unknown>
  return isText(key) && isText(column) && Object.keys(rest).length === 0
}

/** Either form as a key and the name of the column in the database. */
export function exclusivityKey(exclusiveBy: string | ExclusiveBy, table: TaskTable): ExclusiveBy {
  if (typeof exclusiveBy !== 'string') return { ...exclusiveBy, column: table.columns[exclusiveBy.column]!.name }
  const column = table.columns[exclusiveBy]!.name
  return { key: column, column }
}

type Definition = Pick<AnyProcessor, 'table' | 'after' | 'unique' | 'retry' | 'onCrash' | 'onInterrupt'>

function orderProblems({ table, after, unique }: Definition): string[] {
  const columns = table.columns as Record<string, TaskColumn | undefined>
  const missing = (rule: string, keys: readonly string[]) =>
    keys
      .filter((key) => !columns[key])
      .map((key) => `"${rule}" names "${key}", which is not a column of "${table.name}"`)
  const prerequisites = prerequisiteKeys(after)
  const uniqueKeys: readonly string[] = unique ?? []
  return [
    ...missing('after', prerequisites),
    ...missing('unique', uniqueKeys),
    ...prerequisites
      .filter((key) => columns[key] && !columns[key].target)
      .map((key) => `"after" names "${key}", which must be a reference to another task table`),
    ...uniqueKeys
      .filter((key) => ['json', 'timestamp'].includes(columns[key]?.type ?? ''))
      .map((key) => `"unique" names "${key}", but values of type ${columns[key]!.type} cannot be compared`),
  ]
}

function retryProblems({ table, retry, onCrash, onInterrupt }: Definition): string[] {
  const has = (name: string) =>
    Object.values(table.columns as Record<string, TaskColumn>).some((column) => column.name === name)
  const problems: string[] = []
  for (const [rule, value] of Object.entries({ onCrash, onInterrupt })) {
    if (value !== undefined && value !== 'fail' && value !== 'retry')
      problems.push(`"${rule}" must be "fail" or "retry", not "${value}"`)
  }
  if (retry === undefined) return problems
  const missing = ['run_at', 'attempt'].filter((name) => !has(name))
  if (missing.length > 0)
    problems.push(`"retry" requires the columns run_at and attempt; "${table.name}" has no ${missing.join(' and no ')}`)
  if (typeof retry === 'object') {
    const problem = retryProblem(retry)
    if (problem === undefined) toBackoff(retry)
    else problems.push(problem)
  } else if (typeof retry !== 'function') {
    problems.push(`"retry" must be an object such as { attempts: 3, delay: '10s' }, not ${JSON.stringify(retry)}`)
  }
  return problems
}

/** The columns that name the tasks to wait for. */
export function prerequisiteKeys(after: AnyProcessor['after']): readonly string[] {
  if (after === undefined) return []
  return typeof after === 'string' ? [after] : (after as readonly string[])
}

/** The schema for the input of a task, under the plugin's settings. */
export function inputSchema(
  { input }: Pick<AnyProcessor, 'input'>,
  settings: unknown,
): StandardSchema<unknown, object> | undefined {
  // Some schemas are functions themselves.
  const isFunction = typeof input === 'function' && !('~standard' in input)
  return isFunction ? input(settings) : (input as StandardSchema<unknown, object> | undefined)
}

export function isProcessor(value: unknown): value is AnyProcessor {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[PROCESSOR] === API_VERSION
}
