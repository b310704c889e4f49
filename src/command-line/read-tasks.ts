import { parseDuration } from '../config/duration.ts'
import { checkAgainst } from '../config/standard-schema.ts'
import { InvalidTaskError } from '../errors.ts'
import type { AnyProcessor } from '../processor/define-processor.ts'
import type { ColumnFlag } from './column-flags.ts'
import { parseColumnValue } from './parse-column-value.ts'
import { readTaskFlags } from './read-task-flags.ts'
import { readTaskLines } from './read-task-lines.ts'

interface Typed {
  readonly processor: AnyProcessor
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
export async function readTasks({ processor, columns, flags, rest, now }: Typed): Promise<{
  rows: Record<string, unknown>[]
  runAt: Date | undefined
}> {
  const { from } = flags as { from?: string }
  const { values, problems } = readTaskFlags(processor.table, columns, flags, rest, from === undefined)
  const scheduled = readTime(flags, now)
  if ('problem' in scheduled) problems.push(scheduled.problem)
  if (problems.length === 0 && processor.input && from === undefined) {
    problems.push(...(await checkAgainst(processor.input, values)).problems)
  }
  if (problems.length > 0) {
    throw new InvalidTaskError(
      `No ${processor.name} was added`,
      problems,
      `see the flags: ops enqueue ${processor.name} --help`,
    )
  }
  const rows = from === undefined ? [values] : await readTaskLines(from, processor.name, processor.table, values)
  return { rows, runAt: 'runAt' in scheduled ? scheduled.runAt : undefined }
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
  try {
    return { runAt: new Date(now.getTime() + parseDuration(wait, '--in')) }
  } catch (error) {
    return { problem: (error as Error).message.replaceAll(/^"|"(?= must)|\.$/g, '') }
  }
}
