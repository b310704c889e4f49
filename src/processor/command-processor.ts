import { BrokenProcessorError } from '../errors.ts'
import type { DatabaseColumn } from '../queue/table-columns.ts'
import { TaskError } from '../task/task-error.ts'
import { taskTable } from '../task-table/described-table.ts'
import { lifecycleColumns } from '../task-table/lifecycle.ts'
import { parseTime } from '../task-table/parse-time.ts'
import type { TaskColumn, TaskTable } from '../task-table/task-table.ts'
import { type AnyProcessor, defineProcessor } from './define-processor.ts'
import type { DeclaredCommand } from './processor-registry.ts'
import type { ExecResult, TaskContext } from './task-context.ts'

/**
 * A processor that runs a program: it gets the task as JSON on standard input, prints the columns to write on standard
 * output, and reports progress on file descriptor 3.
 *
 * @param columns of its table, as the database has them
 * @throws BrokenProcessorError if the declaration does not fit the table
 */
export function commandProcessor(declared: DeclaredCommand, columns: readonly DatabaseColumn[]): AnyProcessor {
  const { name, plugin } = declared
  const { command, table: tableName, results = [], passEnv = [], ...rules } = declared.command
  try {
    // Without migrations of its own, somebody else has made it.
    const isExisting = (plugin.manifest.ops as { migrations?: unknown } | undefined)?.migrations === undefined
    const table = { ...tableOf(tableName, columns, results), isExisting }
    const perform = (task: Record<string, unknown>, context: TaskContext) =>
      performByProgram({ command, passEnv, root: plugin.root }, table, task, context)
    return defineProcessor({ ...rules, name, table, perform } as never)
  } catch (cause) {
    const problem = (cause as Error).message.replace(/\.$/, '')
    throw new BrokenProcessorError(name, `${plugin.name}@${plugin.version}`, problem, {
      cause,
      suggestions: [`fix "ops.processors.${name}" in the package.json of ${plugin.name}, or its migrations`],
    })
  }
}

/** How many bytes of output are kept: a chatty program must not fill the memory. */
const MAX_OUTPUT = 16 * 1024 * 1024

const lifecycleByName = new Map(Object.values(lifecycleColumns).map((column) => [column.name, column]))

/** The table as the database has it. The program sees columns by their names there. */
function tableOf(name: string, columns: readonly DatabaseColumn[], results: readonly string[]): TaskTable {
  const names = columns.map((column) => column.name)
  const missing = ['id', 'status', 'created_at'].filter((wanted) => !names.includes(wanted))
  if (missing.length > 0) throw new Error(`its table "${name}" has no column ${missing.join(', ')}`)
  const unknown = results.filter((result) => !names.includes(result))
  if (unknown.length > 0) throw new Error(`"results" names ${unknown.join(', ')}, but "${name}" has no such column`)
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
    // An id that the database assigns cannot be given by those who add a task.
    isLifecycle: name === 'id' && hasDefault,
    isNotNull,
    hasDefault,
    // The database fills it in; only the migration knows the value.
    defaultValue: undefined,
    summary: undefined,
    values: undefined,
    target: references === undefined ? undefined : () => taskTable(references, () => ({})),
    isResult,
  }
}

interface ProgramToRun {
  readonly command: readonly string[]
  readonly passEnv: readonly string[]
  readonly root: string
}

async function performByProgram(
  { command: [program, ...args], passEnv, root }: ProgramToRun,
  table: TaskTable,
  task: Record<string, unknown>,
  { exec, env, workDirectory, stateDirectory, settings, log }: TaskContext,
): Promise<Record<string, unknown>> {
  const named = Object.values(table.columns).map(({ key, name }) => [name, task[key]])
  const result = await exec(program!, args, {
    cwd: root,
    input: `${JSON.stringify(Object.fromEntries(named))}\n`,
    env: {
      ...Object.fromEntries(passEnv.map((name) => [name, process.env[name]])),
      ...env,
      OPS_SETTINGS: JSON.stringify(settings),
      OPS_WORK_DIRECTORY: workDirectory,
      OPS_STATE_DIRECTORY: stateDirectory,
    },
    progress: true,
    keepStdout: MAX_OUTPUT,
    keepStderr: true,
    reject: false,
  })
  if (result.failed) throw new TaskError(whyFailed(program!, args, result))
  return toColumns(table, returnedColumns(result.stdout, log))
}

/** The last line on standard error, else how the program ended. */
function whyFailed(program: string, args: readonly string[], result: ExecResult): string {
  const command = [program, ...args].join(' ')
  const last = result.stderr.trim().split('\n').at(-1)!.trim()
  if (last !== '') return last
  if (result.signal !== undefined) return `"${command}" was killed by ${result.signal}`
  if (result.exitCode !== undefined) return `"${command}" exited with ${result.exitCode}`
  const { code, shortMessage } = result
  if (code === 'ENOENT')
    return program.includes('/')
      ? `"${command}" cannot be started: ${program}, or the interpreter in its first line, does not exist`
      : `"${command}" cannot be started: "${program}" is not on the PATH`
  if (code === 'EACCES') return `"${command}" cannot be started: ${program} is not executable`
  return shortMessage ?? `"${command}" could not be started`
}

/** A JSON object: the whole output, or its last line. All output is in the log already. */
function returnedColumns(stdout: string, log: (line: string) => void): Record<string, unknown> {
  const text = stdout.trim()
  const last = text.split('\n').at(-1)!.trim()
  for (const candidate of [text, last]) {
    const value = parsed(candidate)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  }
  if (isCut(last)) throw new TaskError(`printed a line longer than ${MAX_OUTPUT / 1024 / 1024} MB`)
  // JSON over several lines ends like this.
  if (/^[{[]|^[}\]]$/.test(last)) {
    const shown = last.length > 100 ? `${last.slice(0, 100)}…` : last
    throw new TaskError(`printed ${shown}, which is not a JSON object of columns`)
  }
  if (text !== '') log('the last line is not a JSON object, so no columns are written')
  return {}
}

/** Whether its beginning was dropped. A line break at its end is not counted. */
function isCut(line: string): boolean {
  return Buffer.byteLength(line) >= MAX_OUTPUT - 2
}

/** JSON has no instants; columns read from SQLite have no JSON, booleans or instants either. */
function toColumns(table: TaskTable, columns: Record<string, unknown>): Record<string, unknown> {
  const fitted = Object.entries(columns).map(([key, value]) => {
    const column = Object.hasOwn(table.columns, key) ? table.columns[key]! : undefined
    return [key, column === undefined || value === null ? value : toColumn(column, value)]
  })
  return Object.fromEntries(fitted)
}

function toColumn({ key, type }: TaskColumn, value: unknown): unknown {
  const refuse = (what: string) =>
    new TaskError(`returned ${JSON.stringify(value).slice(0, 100)} for "${key}", which must be ${what}`)
  switch (type) {
    case 'integer':
    case 'reference': {
      const number = typeof value === 'boolean' ? Number(value) : value
      if (Number.isSafeInteger(number)) return number
      throw refuse('a whole number')
    }
    case 'real':
      if (typeof value === 'number') return value
      throw refuse('a number')
    case 'boolean':
      if (typeof value === 'boolean') return value
      throw refuse('true or false')
    case 'timestamp': {
      const instant =
        typeof value === 'string' ? parseTime(value) : typeof value === 'number' ? new Date(value) : undefined
      if (instant && !Number.isNaN(instant.getTime())) return instant
      throw refuse('an instant such as "2026-01-31T12:00:00Z"')
    }
    case 'json':
      return value
    default:
      return typeof value === 'string' ? value : JSON.stringify(value)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
