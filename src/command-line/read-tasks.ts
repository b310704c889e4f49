import { durationProblem, isDuration, parseDuration } from '../config/duration.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import { InvalidTaskError, problemLine } from '../errors.ts'
import { inputSchema } from '../processor/define-processor.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { ColumnFlag } from './column-flags.ts'
import { parseColumnValue } from './parse-column-value.ts'
import { readTaskFlags } from './read-task-flags.ts'
import { readTaskLines } from './read-task-lines.ts'

interface Typed {
  readonly processor: ReadyProcessor['processor']
  /** The plugin's. */
  readonly settings: unknown
  readonly columns: readonly ColumnFlag[]
  readonly flags: Readonly<Record<string, unknown>>
  /** What was typed behind the processor and is no flag. */
  readonly rest: readonly string[]
  readonly now: Date
}

/**
 * Makes the command line of `ops enqueue` into tasks, checked as far as they can be without the database.
 *
 * @throws InvalidTaskError with everything that is wrong
 */
export async function readTasks({ processor, settings, columns, flags, rest, now }: Typed): Promise<{
  rows: Record<string, unknown>[]
  runAt: Date | undefined
}> {
  const { from } = flags as { from?: string }
  const { values, problems } = readTaskFlags(processor.table, columns, flags, rest, from === undefined)
  const scheduled = readTime(flags, now)
  if ('problem' in scheduled) problems.push(scheduled.problem)
  const refuse = (found: readonly string[]) => {
    const suggestion = `see the flags: ops enqueue ${processor.name} --help`
    if (found.length > 0) throw new InvalidTaskError(`Invalid ${processor.name}`, found, suggestion)
  }
  refuse(problems)
  const rows = from === undefined ? [values] : await readTaskLines(from, processor.name, processor.table, values)
  const checked = await checkInput(inputSchema(processor, settings), rows)
  refuse(checked.problems)
  return { rows: checked.rows, runAt: 'runAt' in scheduled ? scheduled.runAt : undefined }
}

/** The rows as the processor's own schema returns them. */
async function checkInput(input: ReturnType<typeof inputSchema>, rows: Record<string, unknown>[]) {
  if (!input) return { rows, problems: [] }
  const results = await Promise.all(
    rows.map((row, index) => checkAgainst(input, row, rows.length > 1 ? `task ${index + 1}` : '')),
  )
  const problems = results.flatMap((result) => result.problems.map(problemLine))
  return { rows: results.map(({ value }, index) => ({ ...rows[index], ...(value as object | undefined) })), problems }
}

function readTime(
  flags: Readonly<Record<string, unknown>>,
  now: Date,
): { runAt: Date | undefined } | { problem: string } {
  const { in: wait, at } = flags as { in?: string; at?: string }
  if (at !== undefined) {
    const parsed = parseColumnValue({ type: 'timestamp' } as never, at)
    return 'problem' in parsed ? { problem: `--at ${parsed.problem}` } : { runAt: parsed.value as Date }
  }
  if (wait === undefined) return { runAt: undefined }
  if (!isDuration(wait)) return { problem: `--in: ${durationProblem(wait)}` }
  return { runAt: new Date(now.getTime() + parseDuration(wait, '--in')) }
}
