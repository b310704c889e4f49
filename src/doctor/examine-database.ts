import { TaskTableMissingError } from '../errors.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { migrateProject, missingTables } from '../project/migrate-project.ts'
import type { Project } from '../project/open-project.ts'
import type { Finding } from '../queue/finding.ts'
import type { MigrationStep } from '../queue/queue.ts'
import { attempt, cannot } from './attempt.ts'

/** The database, what is due there, and what each task table keeps its promises by. */
export async function examineDatabase(project: Project, { isInstalled }: { isInstalled: boolean }): Promise<Finding[]> {
  const { queue } = project
  try {
    if (!(await queue.exists())) return noDatabase(queue.name, isInstalled)
    return [...(await queue.examine()), ...(await attempt('migrations', () => examineTables(project)))]
  } catch (error) {
    return [cannot('database', error), skipped('migrations', 'the database cannot be asked')]
  }
}

function noDatabase(name: string, isInstalled: boolean): Finding[] {
  // In development the worker and start-services make it; on a server the units work on one, or should.
  const database: Finding = {
    name: 'database',
    status: isInstalled ? 'problem' : 'skipped',
    found: `${name} does not exist yet`,
    remedy: 'make it: ops migrate',
  }
  return [database, skipped('migrations', 'there is no database yet')]
}

async function examineTables(project: Project): Promise<Finding[]> {
  const { steps, errors } = await migrateProject(project, { check: true })
  const { ready } = await project.processors()
  const missing = await missingTables(project, ready)
  const tables: Finding[] = []
  for (const one of ready) {
    const problem = missing.get(one.queued.processor)
    tables.push(problem === undefined ? await tableFinding(project, one, steps) : cannot(nameOf(one), problem))
  }
  // What else is broken in a processor is said with its plugin.
  const tableless = errors.filter((error) => error instanceof TaskTableMissingError)
  return [migrations(steps), ...tables, ...tableless.map((error) => cannot('task table', error))]
}

function migrations(steps: readonly MigrationStep[]): Finding {
  const due = steps.filter(({ kind }) => kind === 'migration').map(({ source, name }) => `${name} of ${source}`)
  if (due.length === 0) return { name: 'migrations', status: 'ok', found: 'all are applied' }
  return {
    name: 'migrations',
    status: 'problem',
    found: `${due.length} ${due.length === 1 ? 'is' : 'are'} due: ${due.join(', ')}`,
    remedy: 'ops migrate',
  }
}

/** The triggers and indexes by which a table keeps its promises, whoever writes to it. */
async function tableFinding(
  { queue }: Project,
  one: ReadyProcessor,
  steps: readonly MigrationStep[],
): Promise<Finding> {
  const name = nameOf(one)
  const { table } = one.queued
  const lacking = await queue.missingColumns(table)
  if (lacking === undefined) return skipped(name, 'a migration that is due makes it')
  const due = steps.filter(({ kind, source }) => kind === 'guarantee' && source === table.name)
  const wrong = [
    ...(lacking.length === 0 ? [] : [`it lacks the columns ${lacking.join(', ')}`]),
    ...due.map((step) => `${step.name} ${state[step.change]}`),
  ]
  if (wrong.length === 0) return { name, status: 'ok', found: 'every trigger and index is in place' }
  return {
    name,
    status: 'problem',
    found: `${wrong.join(', ')}: what is promised of its tasks may not hold`,
    remedy: 'ops migrate',
  }
}

const state = { create: 'is missing', replace: 'is not as this version needs it', drop: 'is of an earlier version' }

function nameOf({ queued }: ReadyProcessor): string {
  return `table ${queued.table.name}`
}

function skipped(name: string, found: string): Finding {
  return { name, status: 'skipped', found }
}
