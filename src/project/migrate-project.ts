import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MigrationChangedError, MigrationFailedError, type Problem, TaskTableMissingError } from '../errors.ts'
import { createPrivateFolder } from '../platform/private-file.ts'
import { removeSuggestion } from '../processor/processor-registry.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { MigrationSource, MigrationStep, QueuedTable } from '../queue/queue.ts'
import { missingColumns } from '../queue/table-columns.ts'
import type { Project } from './open-project.ts'

export interface ProjectMigration {
  readonly steps: readonly MigrationStep[]
  /** Plugins that cannot be loaded or whose migrations fail. Their tables are left as they were. */
  readonly errors: readonly Error[]
}

/** Applies the migrations of ops and of the plugins; with `check`, only returns those that are due. */
export async function migrateProject(project: Project, { check = false } = {}): Promise<ProjectMigration> {
  const { ready, failed, errors } = await project.processors()
  const tables = ready.map(({ queued }) => queued)
  // The migration of a table that another plugin has would only fail.
  const clashing = failed.filter(({ isTableTaken }) => isTableTaken).map(({ declared }) => declared.plugin.name)
  const sources = project.migrationSources().filter(({ name }) => !clashing.includes(name))
  const isTableless = (error: Error) => error instanceof TaskTableMissingError
  if (check) {
    const steps = await project.queue.planMigration(sources, tables)
    // A table that is due is not missing.
    return { steps, errors: steps.length > 0 ? errors.filter((error) => !isTableless(error)) : errors }
  }
  ignoreState(project)
  const first = await migrateWorkingPlugins(project, sources, tables)
  if (!errors.some(isTableless)) return { steps: first.steps, errors: [...errors, ...first.errors] }
  // A processor that is a program has a known table only now, which gets its guarantees.
  const again = await project.processors()
  const second = await migrateWorkingPlugins(
    project,
    sources.filter(({ name }) => !first.failed.includes(name)),
    again.ready.map(({ queued }) => queued),
  )
  return { steps: [...first.steps, ...second.steps], errors: [...again.errors, ...first.errors, ...second.errors] }
}

/** The database that the steps created. */
export function databaseCreatedBy(steps: readonly MigrationStep[]): string | undefined {
  return steps.find(({ kind }) => kind === 'create_database')?.name
}

/** For a command that creates a database without being asked to: it may have been meant for another folder. */
export function databaseCreated(database: string): Problem {
  return { code: 'DATABASE_CREATED', severity: 'info', message: `Created the database ${database}.`, suggestions: [] }
}

/**
 * Keeps the state of a project in development out of its repository. The list of plugins belongs in there: a server
 * installs the same versions with it.
 */
function ignoreState({ directory, stateDirectory }: Project): void {
  const file = join(stateDirectory, '.gitignore')
  if (stateDirectory !== join(directory, '.ops') || isServer(process.env) || existsSync(file)) return
  try {
    createPrivateFolder(stateDirectory)
    // An installation of plugins may have created it for everyone.
    chmodSync(stateDirectory, 0o700)
    writeFileSync(file, '/*\n!/plugins/\n', { mode: 0o600 })
  } catch {
    // Whatever needs the folder says why it is not writable.
  }
}

/** Skips plugins whose migrations fail, with their tables, so that the others are migrated. */
async function migrateWorkingPlugins(
  project: Project,
  sources: readonly MigrationSource[],
  tables: readonly QueuedTable[],
): Promise<{ steps: MigrationStep[]; errors: Error[]; failed: string[] }> {
  try {
    return { steps: await project.queue.migrate(sources, tables), errors: [], failed: [] }
  } catch (error) {
    const isOfMigration = error instanceof MigrationFailedError || error instanceof MigrationChangedError
    if (!isOfMigration || !sources.some(({ name }) => name === error.source)) throw error
    const rest = await migrateWorkingPlugins(
      project,
      sources.filter(({ name }) => name !== error.source),
      tables.filter(({ processor }) => project.registry.find(processor).plugin.name !== error.source),
    )
    return { steps: rest.steps, errors: [error, ...rest.errors], failed: [error.source, ...rest.failed] }
  }
}

/**
 * Processors whose table does not exist and is not in any migration that is due, so that `ops migrate` would not help.
 * Empty if the database does not answer; other checks report that.
 */
export async function missingTables(
  project: Project,
  ready: readonly ReadyProcessor[],
): Promise<ReadonlyMap<string, Problem>> {
  const { queue, registry } = project
  try {
    const isThere = await queue.exists()
    const hasTable = await Promise.all(
      ready.map(async ({ queued }) => isThere && (await missingColumns(queue.records, queued.table)) !== undefined),
    )
    const tableless = ready.filter((_, index) => !hasTable[index])
    if (tableless.length === 0) return new Map()
    const due = new Set((await queue.planMigration(project.migrationSources(), [])).map(({ source }) => source))
    return new Map(
      tableless
        .filter(({ queued }) => !due.has(registry.find(queued.processor).plugin.name))
        .map(({ queued }) => [queued.processor, tableNotMade(project, queued)]),
    )
  } catch {
    return new Map()
  }
}

function tableNotMade({ queue, registry }: Project, { processor, table }: QueuedTable): Problem {
  const { plugin } = registry.find(processor)
  return {
    code: 'TABLE_NOT_MADE',
    severity: 'error',
    where: processor,
    message: `The processor "${processor}" of ${plugin.name}@${plugin.version} cannot be used: ${queue.name} has no table "${table.name}", and no migration of the plugin creates it.`,
    suggestions: [
      'add migrations/sqlite and migrations/postgres to the plugin, and "migrations": "./migrations" under "ops" in its package.json',
      'create the table in a migration of the application',
      ...removeSuggestion(plugin),
    ],
  }
}

/** Under systemd, which sets a state directory, only the migration unit migrates. */
export function isServer(env: NodeJS.ProcessEnv): boolean {
  return env.STATE_DIRECTORY !== undefined
}
