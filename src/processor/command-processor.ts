import { BrokenProcessorError } from '../errors.ts'
import type { DatabaseColumn } from '../queue/table-columns.ts'
import { TaskError } from '../task/task-error.ts'
import { lifecycleColumns } from '../task-table/lifecycle-columns.ts'
import { type TaskColumn, type TaskTable, taskTable } from '../task-table/task-table.ts'
import { type AnyProcessor, defineProcessor } from './define-processor.ts'
import type { DeclaredCommand } from './processor-registry.ts'
import type { RunResult, TaskContext } from './task-context.ts'

/**
 * Makes a processor of a program: the task on its standard input as JSON, the columns that it returns on its standard
 * output, its progress on file descriptor 3.
 *
 * @param columns those of its table, which no description names
 * @throws BrokenProcessorError when the declaration does not fit the table
 */
export function commandProcessor(declared: DeclaredCommand, columns: readonly DatabaseColumn[]): AnyProcessor {
  const { name, plugin } = declared
  const { command, table: tableName, results = [], ...rules } = declared.command
  try {
    const table = tableOf(tableName, columns, results)
    const process = (task: Record<string, unknown>, context: TaskContext) =>
      perform(command, plugin.root, table, task, context)
    return defineProcessor({ ...rules, name, table, process } as never)
  } catch (cause) {
    const problem = (cause as Error).message.replace(/\.$/, '')
    throw new BrokenProcessorError(name, `${plugin.name}@${plugin.version}`, problem, {
      cause,
      suggestion: `mend "ops.processors.${name}" in the package.json of ${plugin.name}, or its migrations`,
    })
  }
}

const lifecycleByName = new Map(Object.values(lifecycleColumns).map((column) => [column.name, column]))

/** The table as the database has it. A column goes by the name that it has there, also for the program. */
function tableOf(name: string, columns: readonly DatabaseColumn[], results: readonly string[]): TaskTable {
  const names = columns.map((column) => column.name)
  const missing = ['id', 'status', 'created_at'].filter((wanted) => !names.includes(wanted))
  if (missing.length > 0) throw new Error(`its table "${name}" lacks ${missing.join(', ')}`)
  const unknown = results.filter((result) => !names.includes(result))
  if (unknown.length > 0) throw new Error(`"results" names ${unknown.join(', ')}, and "${name}" has no such column`)
  const described = columns.map((column): TaskColumn => {
    const lifecycle = lifecycleByName.get(column.name)
    const isLifecycle = column.name !== 'id' || column.type === 'integer'
    return lifecycle && isLifecycle ? lifecycle : ownColumn(column, results.includes(column.name))
  })
  return { name, columns: Object.fromEntries(described.map((column) => [column.key, column])) } as TaskTable
}

function ownColumn({ name, type, isNotNull, hasDefault, references }: DatabaseColumn, isResult: boolean): TaskColumn {
  return {
    key: name,
    name,
    type: references === undefined ? type : 'reference',
    // An id that the database gives is not for whoever adds a task.
    isLifecycle: name === 'id' && hasDefault,
    isNotNull,
    hasDefault,
    // The database fills it in; what it is, is the migration's to say.
    defaultValue: undefined,
    summary: undefined,
    values: undefined,
    target: references === undefined ? undefined : () => taskTable(references, () => ({})),
    isResult,
  }
}

async function perform(
  [program, ...args]: readonly string[],
  root: string,
  table: TaskTable,
  task: Record<string, unknown>,
  { run, env, workDirectory, stateDirectory, settings, log }: TaskContext,
): Promise<Record<string, unknown>> {
  const named = Object.values(table.columns).map(({ key, name }) => [name, task[key]])
  const result = await run(program!, args, {
    cwd: root,
    input: `${JSON.stringify(Object.fromEntries(named))}\n`,
    env: {
      ...env,
      OPS_SETTINGS: JSON.stringify(settings),
      OPS_WORK_DIRECTORY: workDirectory,
      OPS_STATE_DIRECTORY: stateDirectory,
    },
    progress: true,
    keepStderr: true,
    reject: false,
  })
  if (result.failed) throw new TaskError(whyFailed([program!, ...args].join(' '), result))
  return withInstants(table, returnedColumns(result.stdout, log))
}

/** The last line that the program complained with, else how it ended. */
function whyFailed(command: string, result: RunResult): string {
  const last = result.stderr.trim().split('\n').at(-1)!.trim()
  if (last !== '') return last
  if (result.signal !== undefined) return `"${command}" was ended by ${result.signal}`
  if (result.exitCode !== undefined) return `"${command}" exited with ${result.exitCode}`
  const { shortMessage } = result as unknown as { shortMessage?: string }
  return shortMessage ?? `"${command}" could not be started`
}

/** A JSON object: the whole output, or its last line. Other output is for the log, where it is already. */
function returnedColumns(stdout: string, log: (line: string) => void): Record<string, unknown> {
  const text = stdout.trim()
  const last = text.split('\n').at(-1)!.trim()
  for (const candidate of [text, last]) {
    const value = parsed(candidate)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  }
  if (/^[{[]/.test(last)) throw new TaskError(`printed ${last.slice(0, 100)}, which is no JSON object of columns`)
  if (text !== '') log('the last line is no JSON object, so no columns are written')
  return {}
}

/** JSON has no instants. */
function withInstants(table: TaskTable, columns: Record<string, unknown>): Record<string, unknown> {
  const read = (key: string, value: unknown) =>
    table.columns[key]?.type === 'timestamp' && typeof value === 'string' ? new Date(value) : value
  return Object.fromEntries(Object.entries(columns).map(([key, value]) => [key, read(key, value)]))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
