import { TaskTableMissingError, toProblem } from '../errors.ts'
import { formatCount } from '../format.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { migrateProject, missingTables } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed, skipped } from '../queue/check.ts'
import type { MigrationStep, QueuedTable } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { checkOpenState } from './check-open-state.ts'

/** Checks the database, its migrations, and the guarantees of each task table. */
export async function checkDatabase(
  project: Project,
  { isInstalled, fix }: { isInstalled: boolean; fix: boolean },
): Promise<Check[]> {
  const { queue } = project
  try {
    if (!(await queue.exists())) return noDatabase(queue.name, isInstalled)
    const ofDatabase = await queue.checkDatabase()
    const tables = await checkTables(project, fix).catch((error: unknown) => [failed('migrations', toProblem(error))])
    return [...ofDatabase, ...tables]
  } catch (error) {
    return [failed('database', toProblem(error)), skipped('migrations', 'the database cannot be read')]
  }
}

function noDatabase(name: string, isInstalled: boolean): Check[] {
  const message = `${name} does not exist yet`
  const suggestion = 'create it: ops migrate'
  // In development the worker and start-services create it; units that are installed work on one, or should.
  const database = isInstalled
    ? failed('database', { code: 'DATABASE_MISSING', severity: 'error', message, suggestions: [suggestion] })
    : skipped('database', message, suggestion)
  return [database, skipped('migrations', 'there is no database yet')]
}

async function checkTables(project: Project, fix: boolean): Promise<Check[]> {
  const { steps, errors } = await migrateProject(project, { check: true })
  const { ready } = await project.processors()
  const missing = await missingTables(project, ready)
  const tables: Check[] = []
  const present: QueuedTable[] = []
  for (const one of ready) {
    const problem = missing.get(one.queued.processor)
    const columns = await missingColumns(project.queue.records, one.queued.table)
    if (columns) present.push(one.queued)
    tables.push(problem === undefined ? checkTable(one, columns, steps) : failed(nameOf(one), problem))
  }
  // Other errors of processors are problems of their plugins.
  const withoutTable = errors.filter((error) => error instanceof TaskTableMissingError)
  const isMigrated = !steps.some(({ kind, source }) => kind === 'migration' && source === 'core')
  const open = isMigrated ? await checkOpenState(project, present, fix) : []
  return [migrations(steps), ...tables, ...open, ...withoutTable.map((error) => failed('task table', toProblem(error)))]
}

function migrations(steps: readonly MigrationStep[]): Check {
  const pending = steps.filter(({ kind }) => kind === 'migration').map(({ source, name }) => `${name} of ${source}`)
  if (pending.length === 0) return passed('migrations', 'all are applied')
  return failed('migrations', {
    code: 'MIGRATIONS_PENDING',
    severity: 'error',
    message: `${formatCount(pending.length, 'pending migration')}: ${pending.join(', ')}`,
    suggestions: ['ops migrate'],
  })
}

const wrongState = { create: 'is missing', replace: 'is out of date', drop: 'is obsolete' }

/** Checks the triggers and indexes by which a table keeps its promises for every client. */
function checkTable(
  one: ReadyProcessor,
  missing: readonly string[] | undefined,
  steps: readonly MigrationStep[],
): Check {
  const name = nameOf(one)
  const { table } = one.queued
  if (missing === undefined) return skipped(name, 'a pending migration creates it')
  const due = steps.filter(({ kind, source }) => kind === 'guarantee' && source === table.name)
  const wrong = [
    ...missing.map((column) => `the column ${column} is missing`),
    ...due.map((step) => `${step.name} ${wrongState[step.change]}`),
  ]
  if (wrong.length === 0) return passed(name, 'all triggers and indexes are in place')
  return failed(name, {
    code: 'GUARANTEES_MISSING',
    severity: 'error',
    message: `${wrong.join(', ')}: the table may not keep its guarantees`,
    suggestions: ['ops migrate'],
  })
}

function nameOf({ queued }: ReadyProcessor): string {
  return `table ${queued.table.name}`
}
