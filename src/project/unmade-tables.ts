import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Project } from './open-project.ts'
import { TableNotMadeError } from './processor-errors.ts'

/**
 * Processors whose table is not there, although no migration of their plugin is left that could make it. `ops migrate`
 * would be advice in vain. Nothing where the database does not answer, which others tell.
 */
export async function unmadeTables(
  project: Project,
  ready: readonly ReadyProcessor[],
): Promise<ReadonlyMap<string, TableNotMadeError>> {
  const { queue, registry } = project
  try {
    const isThere = await queue.exists()
    const missing = await Promise.all(
      ready.map(async ({ queued }) =>
        isThere && (await queue.missingColumns(queued.table)) !== undefined ? [] : [queued],
      ),
    )
    const queued = missing.flat()
    if (queued.length === 0) return new Map()
    const due = new Set((await queue.planMigration(project.migrationSources(), [])).map(({ source }) => source))
    const unmade = queued.map(({ processor, table }) => ({ declared: registry.find(processor), table: table.name }))
    return new Map(
      unmade
        .filter(({ declared }) => !due.has(declared.plugin.name))
        .map(({ declared, table }) => [declared.name, new TableNotMadeError(declared, table, queue.name)]),
    )
  } catch {
    return new Map()
  }
}
