import { MigrationChangedError, MigrationFailedError, TaskTableMissingError } from '../errors.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue/queue.ts'
import type { Project } from './open-project.ts'
import { TableTakenError } from './processor-errors.ts'

export interface ProjectMigration {
  readonly steps: readonly MigrationStep[]
  /** Of plugins that could not be loaded, or whose migrations fail; their tables were left as they are. */
  readonly errors: readonly Error[]
}

/** Brings the project's database to what its plugins need; with `check`, only says what is due. */
export async function migrateProject(project: Project, { check = false } = {}): Promise<ProjectMigration> {
  const { ready, failed, errors } = await project.processors()
  const tables = ready.map(({ queued }) => queued)
  // Where a table is another's, the migration that makes it would only fail.
  const clashing = failed.flatMap(({ declared, error }) =>
    error instanceof TableTakenError ? [declared.plugin.name] : [],
  )
  const sources = project.migrationSources().filter(({ name }) => !clashing.includes(name))
  const missing = errors.filter((error) => error instanceof TaskTableMissingError)
  if (check) {
    const steps = await project.queue.planMigration(sources, tables)
    // Tables that are about to be made are not missing.
    return { steps, errors: steps.length > 0 ? errors.filter((error) => !missing.includes(error as never)) : errors }
  }
  const first = await migrateWhatWorks(project, sources, tables)
  if (missing.length === 0) return { steps: first.steps, errors: [...errors, ...first.errors] }
  // The table of a processor that is a program can be read now, and gets its guarantees.
  const again = await project.processors()
  const second = await migrateWhatWorks(
    project,
    sources.filter(({ name }) => !first.left.includes(name)),
    again.ready.map(({ queued }) => queued),
  )
  return { steps: [...first.steps, ...second.steps], errors: [...again.errors, ...first.errors, ...second.errors] }
}

/** Leaves out a plugin whose migrations fail, with its tables: the others must not wait until somebody mends it. */
async function migrateWhatWorks(
  project: Project,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<{ steps: MigrationStep[]; errors: Error[]; left: string[] }> {
  try {
    return { steps: await project.queue.migrate(sources, tables), errors: [], left: [] }
  } catch (error) {
    const isOfMigration = error instanceof MigrationFailedError || error instanceof MigrationChangedError
    if (!isOfMigration || !sources.some(({ name }) => name === error.source)) throw error
    const others = tables.filter(({ processor }) => project.registry.find(processor).plugin.name !== error.source)
    const rest = await migrateWhatWorks(
      project,
      sources.filter(({ name }) => name !== error.source),
      others,
    )
    return { steps: rest.steps, errors: [error, ...rest.errors], left: [error.source, ...rest.left] }
  }
}

/** Where a unit migrates before the services start, and nothing else may: systemd gives its units a state directory. */
export function isServer(env: NodeJS.ProcessEnv): boolean {
  return env.STATE_DIRECTORY !== undefined
}
