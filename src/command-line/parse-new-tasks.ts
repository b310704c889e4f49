import { durationProblem, isDuration, parseDuration } from '../config/duration.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import { type InputProblem, InvalidTaskError, nearest } from '../errors.ts'
import { inputSchema } from '../processor/define-processor.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Project } from '../project/open-project.ts'
import { checkTask, ownColumns } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { type ColumnFlag, parseColumnValue, toFlag } from './column-flags.ts'
import { readTaskLines } from './read-task-lines.ts'

interface EnqueueArguments {
  readonly processor: ReadyProcessor['processor']
  /** Those of the plugin. */
  readonly settings: unknown
  readonly columns: readonly ColumnFlag[]
  readonly flags: Readonly<Record<string, unknown>>
  /** Words behind the processor that are neither a known flag nor its value. */
  readonly rest: readonly string[]
  readonly now: Date
}

/**
 * Parses the arguments of `ops enqueue` into tasks, with every check that needs no database.
 *
 * @throws InvalidTaskError with every problem
 */
export async function parseNewTasks({ processor, settings, columns, flags, rest, now }: EnqueueArguments): Promise<{
  rows: Record<string, unknown>[]
  runAt: Date | undefined
}> {
  const { from } = flags as { from?: string }
  const { values, problems } = parseColumnFlags(processor.table, columns, flags, rest, from === undefined)
  const scheduled = parseRunAt(flags, now)
  if ('where' in scheduled) problems.push(scheduled)
  const throwIfAny = (found: readonly InputProblem[]) => {
    const suggestion = `ops enqueue ${processor.name} --help`
    if (found.length > 0) throw new InvalidTaskError(`Invalid ${processor.name}`, found, suggestion)
  }
  throwIfAny(problems)
  const rows = from === undefined ? [values] : await readTaskLines(from, processor.name, processor.table, values)
  const checked = await checkInput(inputSchema(processor, settings), rows)
  throwIfAny(checked.problems)
  return { rows: checked.rows, runAt: 'runAt' in scheduled ? scheduled.runAt : undefined }
}

/** The rows as the schema of the processor returns them. */
async function checkInput(input: ReturnType<typeof inputSchema>, rows: Record<string, unknown>[]) {
  if (!input) return { rows, problems: [] }
  const results = await Promise.all(
    rows.map((row, index) => checkAgainst(input, row, rows.length > 1 ? `task ${index + 1}` : '')),
  )
  const problems = results.flatMap((result) => result.problems)
  return { rows: results.map(({ value }, index) => ({ ...rows[index], ...(value as object | undefined) })), problems }
}

function parseRunAt(
  flags: Readonly<Record<string, unknown>>,
  now: Date,
): { runAt: Date | undefined } | (InputProblem & { where: string }) {
  const { in: wait, at } = flags as { in?: string; at?: string }
  if (at !== undefined) {
    const parsed = parseColumnValue({ type: 'timestamp' } as never, at)
    return 'problem' in parsed ? { where: '--at', message: parsed.problem } : { runAt: parsed.value as Date }
  }
  if (wait === undefined) return { runAt: undefined }
  if (!isDuration(wait)) return { where: '--in', message: durationProblem(wait) }
  return { runAt: new Date(now.getTime() + parseDuration(wait, '--in')) }
}

/**
 * Parses the flags of columns: the values by column, and every problem in terms of the flags.
 *
 * @param given the text of each flag; `true` or `false` for a flag without a value
 * @param rest arguments that are no flags of the command
 * @param isComplete whether missing columns are problems; a file may provide them
 */
export function parseColumnFlags(
  table: TaskTable,
  flags: readonly ColumnFlag[],
  given: Readonly<Record<string, unknown>>,
  rest: readonly string[],
  isComplete: boolean,
): { values: Record<string, unknown>; problems: InputProblem[] } {
  const values: Record<string, unknown> = {}
  const results = ownColumns(table).flatMap(({ key, isResult }) => (isResult ? [toFlag(key)] : []))
  const problems = unexpectedArguments(rest, flags, results)
  for (const { flag, column } of flags) {
    if (given[flag] === undefined) continue
    const parsed = parseColumnValue(column, given[flag])
    if ('problem' in parsed) problems.push({ where: `--${flag}`, message: parsed.problem })
    else values[column.key] = parsed.value
  }
  const missing = flags.filter(
    ({ flag, column }) => column.isNotNull && !column.hasDefault && given[flag] === undefined,
  )
  if (isComplete) problems.push(...missing.map(({ flag }) => ({ message: `--${flag} is missing` })))
  if (problems.length === 0 && isComplete) problems.push(...checkTask(table, values))
  return { values, problems }
}

function unexpectedArguments(
  rest: readonly string[],
  flags: readonly ColumnFlag[],
  results: readonly string[],
): InputProblem[] {
  const names = flags.map(({ flag }) => flag)
  // The value of an unknown flag is not a second problem.
  return rest.flatMap((word, index) => {
    if (word.startsWith('-')) return [{ message: unknownFlag(word, names, results) }]
    return /^-[^=]*$/.test(rest[index - 1] ?? '') ? [] : [{ message: `unexpected argument "${word}"` }]
  })
}

function unknownFlag(word: string, names: readonly string[], results: readonly string[]): string {
  const name = word.replace(/^--?/, '').replace(/=.*$/s, '')
  if (results.includes(name)) return `--${name} is set by the processor`
  const meant = nearest(name, names)
  const known = names.map((each) => `--${each}`).join(', ')
  return `unknown flag --${name}, ${meant === undefined ? `expected one of: ${known}` : `did you mean --${meant}?`}`
}

/**
 * Replaces the name of a task by its id in flags that refer to a task, so that the output of `ops enqueue build` can be
 * passed to the next command. A name of another table stays, and is refused with the other problems.
 */
export async function resolveTaskNames(
  project: Project,
  columns: readonly ColumnFlag[],
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const resolved: Record<string, unknown> = { ...given }
  for (const { flag, column } of columns) {
    const [, processor, id] = /^(\S+) (\d+)$/.exec(String(given[flag])) ?? []
    if (column.type !== 'reference' || processor === undefined) continue
    const named = await project.processor(processor).catch(() => undefined)
    if (named?.queued.table.name === column.target!().name) resolved[flag] = id
  }
  return resolved
}
