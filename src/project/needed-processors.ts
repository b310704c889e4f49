import { join } from 'node:path'
import type { Plugin } from '../processor/processor-registry.ts'
import { shortName } from '../processor/processor-registry.ts'
import { tablesMadeBy } from '../task-table/tables-made-by.ts'
import { type TaskTable, taskTable } from '../task-table/task-table.ts'
import type { Project } from './open-project.ts'
import { ProcessorNeededError } from './processor-errors.ts'

/** Something of a plugin that cannot be used. */
interface Broken {
  readonly plugin: Plugin
  /** Undefined when it is all of the plugin. */
  readonly processor: string | undefined
  readonly error: Error
}

/** So many are counted at most; one is enough to need a processor. */
const COUNTED = 100

/**
 * Whether a worker may start without what is broken: it may not where tasks of it are pending, or where the
 * configuration has settings for its plugin.
 *
 * @throws ProcessorNeededError
 */
export async function needProcessors(project: Project): Promise<void> {
  for (const broken of await brokenOnes(project)) {
    const need = (await pendingTasks(project, broken)) ?? configured(project, broken)
    if (need === undefined) continue
    const { processor, plugin } = broken
    const what = processor === undefined ? `the plugin ${plugin.name}` : `the processor "${processor}"`
    throw new ProcessorNeededError(what, need, broken.error)
  }
}

async function brokenOnes(project: Project): Promise<Broken[]> {
  const { failed } = await project.processors()
  const unread = project.registry.broken.flatMap(({ plugin, processor, problem, suggestion }) => {
    if (!plugin) return []
    return [{ plugin, processor, error: Object.assign(new Error(problem), { suggestions: [suggestion] }) }]
  })
  return [
    ...failed.map(({ declared, error }) => ({ plugin: declared.plugin, processor: declared.name, error })),
    ...unread,
  ]
}

function configured({ config, file }: Project, { plugin }: Broken): string | undefined {
  const key = shortName(plugin.name)
  return config.plugins?.[key] === undefined
    ? undefined
    : `${file ?? 'the configuration'} has settings for it (plugins.${key})`
}

/** What is broken does not say which table is its own, but the migrations of its plugin name those that it has, and the list of plugins does. */
async function pendingTasks(project: Project, { plugin, processor }: Broken): Promise<string | undefined> {
  const { ready } = await project.processors()
  const others = new Set(ready.map(({ queued }) => queued.table.name))
  for (const name of tablesOf(plugin, processor)) {
    if (others.has(name)) continue
    const count = await countPending(
      project,
      taskTable(name, () => ({})),
    )
    if (count === 0) continue
    const number = count === COUNTED ? `${COUNTED} tasks or more` : count === 1 ? '1 task' : `${count} tasks`
    return `${number} of "${name}" ${count === 1 ? 'is' : 'are'} pending`
  }
  return undefined
}

function tablesOf({ root, manifest, tables = [] }: Plugin, processor: string | undefined): Set<string> {
  const { migrations, processors = {} } = (manifest.ops ?? {}) as { migrations?: unknown; processors?: object }
  const made = typeof migrations === 'string' ? tablesMadeBy(join(root, migrations)) : new Set(tables)
  const { table } = ((processors as Record<string, unknown>)[processor ?? ''] ?? {}) as { table?: unknown }
  return typeof table === 'string' ? new Set([table]) : made
}

async function countPending({ queue }: Project, table: TaskTable): Promise<number> {
  const missing = await queue.missingColumns(table)
  if (missing === undefined || missing.length > 0) return 0
  return (await queue.records.tasks(table, { statuses: ['pending'], limit: COUNTED })).length
}
