import { checkAgainst } from '../config/standard-schema.ts'
import { TaskError } from '../task/task-error.ts'
import { ownColumns, valueProblem } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { type AnyProcessor, inputSchema } from './define-processor.ts'

type Row = Readonly<Record<string, unknown>>

/**
 * Checks a task's row before it is performed, also one inserted by SQL: the types of its columns, their enumerations, and the
 * processor's own `input`, which is given the columns that are not null and whose result is ignored.
 *
 * @returns a promise only where the processor has an `input`
 * @throws TaskError that names the columns
 */
export function checkRow(
  processor: Pick<AnyProcessor, 'table' | 'input'>,
  row: Row,
  settings: unknown,
): Promise<void> | undefined {
  const { table } = processor
  const problems: string[] = []
  // The table of a program is described by the database, which has checked its types.
  const described = 'sqlite' in table || 'postgres' in table ? ownColumns(table) : []
  for (const column of described) {
    const problem = valueProblem(column, row[column.key])
    if (problem !== undefined) problems.push(`"${column.name}": ${problem}`)
  }
  if (problems.length > 0) throw invalidRow(problems)
  const schema = inputSchema(processor, settings)
  return schema && checkInput(schema, table, row)
}

async function checkInput(
  schema: NonNullable<ReturnType<typeof inputSchema>>,
  table: TaskTable,
  row: Row,
): Promise<void> {
  const input = ownColumns(table).filter(({ key, isResult }) => !isResult && row[key] !== null)
  const { problems } = await checkAgainst(schema, Object.fromEntries(input.map(({ key }) => [key, row[key]])))
  if (problems.length === 0) return
  throw invalidRow(
    problems.map(({ where = '', message }) => {
      const [key = '', ...rest] = where.split('.')
      const name = Object.hasOwn(table.columns, key) ? table.columns[key]!.name : key
      return name === '' ? message : `"${[name, ...rest].join('.')}": ${message}`
    }),
  )
}

/** The same row fails again, so it is not retried. */
function invalidRow(problems: readonly string[]): TaskError {
  return new TaskError(problems.join('; '), { isFinal: true })
}
