import { nearest } from '../errors.ts'
import { checkTask, ownColumns } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { type ColumnFlag, toFlag } from './column-flags.ts'
import { parseColumnValue } from './parse-column-value.ts'

/**
 * Reads the values of a task from flags: the values by column, and everything that is wrong, in the words of the flags.
 *
 * @param given the texts by flag; `true` or `false` for a flag without a value
 * @param rest what was typed and is no flag of the command
 * @param isComplete whether missing columns are problems; they are not where a file brings them
 */
export function readTaskFlags(
  table: TaskTable,
  flags: readonly ColumnFlag[],
  given: Readonly<Record<string, unknown>>,
  rest: readonly string[],
  isComplete: boolean,
): { values: Record<string, unknown>; problems: string[] } {
  const values: Record<string, unknown> = {}
  const results = ownColumns(table).flatMap(({ key, isResult }) => (isResult ? [toFlag(key)] : []))
  const problems = unexpectedWords(rest, flags, results)
  for (const { flag, column } of flags) {
    if (given[flag] === undefined) continue
    const parsed = parseColumnValue(column, given[flag])
    // Something of the right kind goes on, so that the column is not reported as missing too.
    if ('problem' in parsed) problems.push(`--${flag} ${parsed.problem}`)
    else values[column.key] = parsed.value
  }
  const missing = flags.filter(
    ({ flag, column }) => column.isNotNull && !column.hasDefault && given[flag] === undefined,
  )
  if (isComplete) problems.push(...missing.map(({ flag }) => `--${flag} is missing`))
  if (problems.length === 0 && isComplete) problems.push(...checkTask(table, values))
  return { values, problems }
}

function unexpectedWords(rest: readonly string[], flags: readonly ColumnFlag[], results: readonly string[]): string[] {
  const names = flags.map(({ flag }) => flag)
  // The value of an unknown flag is not a second mistake.
  return rest.flatMap((word, index) => {
    if (word.startsWith('-')) return [unknownFlag(word, names, results)]
    return /^-[^=]*$/.test(rest[index - 1] ?? '') ? [] : [`"${word}" was not expected; values are given by flags`]
  })
}

function unknownFlag(word: string, names: readonly string[], results: readonly string[]): string {
  const name = word.replace(/^--?/, '').replace(/=.*$/s, '')
  if (results.includes(name)) return `--${name} is written by the processor and cannot be given`
  const meant = nearest(name, names)
  const known = names.map((each) => `--${each}`).join(', ')
  return `--${name} is no column; ${meant === undefined ? `there are ${known}` : `did you mean --${meant}?`}`
}
