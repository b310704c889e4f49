import type { MigrationStep } from '../queue/queue.ts'
import type { Project } from './open-project.ts'

export interface ProjectMigration {
  readonly steps: readonly MigrationStep[]
  /** Processors that could not be loaded; their tables were left as they are. */
  readonly errors: readonly Error[]
}

/** Brings the project's database to what its plugins need; with `check`, only says what is due. */
export async function migrateProject(project: Project, { check = false } = {}): Promise<ProjectMigration> {
  const { ready, errors } = await project.processors()
  const tables = ready.map(({ queued }) => queued)
  const sources = project.migrationSources()
  const steps = check
    ? await project.queue.planMigration(sources, tables)
    : await project.queue.migrate(sources, tables)
  return { steps, errors }
}

/** Where a unit migrates before the services start, and nothing else may: systemd gives its units a state directory. */
export function isServer(env: NodeJS.ProcessEnv): boolean {
  return env.STATE_DIRECTORY !== undefined
}
