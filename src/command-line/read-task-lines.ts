import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type InputProblem, InvalidTaskError, problemLine } from '../errors.ts'
import { checkTask } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { parseColumnValue } from './column-flags.ts'
import { inputUnreadable } from './read-input.ts'

/** Invalid lines that are reported. */
const MAX_REPORTED = 10

/**
 * Reads tasks from newline-delimited JSON, one object a line; empty lines are ignored. Keys are columns, named as in
 * TypeScript or as in the database.
 *
 * @param source a file, or `-` for standard input
 * @param defaults values for the columns that a line leaves out
 * @throws OpsError INPUT_UNREADABLE
 * @throws InvalidTaskError with the number of each invalid line
 */
export async function readTaskLines(
  source: string,
  processor: string,
  table: TaskTable,
  defaults: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>[]> {
  const input = source === '-' ? process.stdin : createReadStream(source, { encoding: 'utf8' })
  const name = source === '-' ? 'standard input' : source
  const rows: Record<string, unknown>[] = []
  const problems: InputProblem[] = []
  let invalid = 0
  let number = 0
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1
      if (line.trim() === '') continue
      const found = readLine(line, table, defaults, rows)
      if (found.length > 0 && ++invalid <= MAX_REPORTED)
        problems.push({ where: `line ${number}`, message: found.map(problemLine).join('; ') })
    }
  } catch (cause) {
    throw inputUnreadable(
      source,
      '--from',
      'name a file with a JSON object on each line, or - for standard input',
      cause,
    )
  }
  if (invalid > MAX_REPORTED) problems.push({ message: `and ${invalid - MAX_REPORTED} more lines` })
  if (problems.length > 0) {
    throw new InvalidTaskError(
      `${processor} from ${name}`,
      problems,
      'fix these lines and try again; nothing was added',
    )
  }
  return rows
}

function readLine(
  line: string,
  table: TaskTable,
  defaults: Readonly<Record<string, unknown>>,
  rows: Record<string, unknown>[],
): InputProblem[] {
  let given: unknown
  try {
    given = JSON.parse(line)
  } catch (error) {
    return [{ message: `not JSON: ${(error as Error).message}` }]
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return [{ message: 'not a JSON object' }]
  const row: Record<string, unknown> = { ...defaults }
  const problems: InputProblem[] = []
  for (const [name, value] of Object.entries(given)) {
    const column = table.columns[name] ?? Object.values(table.columns).find((known) => known.name === name)
    if (column?.type === 'timestamp' && typeof value === 'string') {
      const parsed = parseColumnValue(column, value)
      if ('problem' in parsed) problems.push({ where: name, message: parsed.problem })
      else row[column.key] = parsed.value
    } else row[column?.key ?? name] = value
  }
  problems.push(...checkTask(table, row))
  if (problems.length === 0) rows.push(row)
  return problems
}
