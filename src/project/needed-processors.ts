import type { Plugin } from '../processor/processor-registry.ts'
import { shortName } from '../processor/processor-registry.ts'
import type { ListedProblem } from './list-processors.ts'
import type { Project } from './open-project.ts'
import { orphanedTasks, pendingInWords } from './pending-tasks.ts'
import { tablesOfPlugin } from './plugin-tables.ts'
import { ProcessorNeededError } from './processor-errors.ts'

/** Something of a plugin that cannot be used. */
interface Broken {
  readonly plugin: Plugin
  /** Undefined when it is all of the plugin. */
  readonly processor: string | undefined
  readonly error: Error
}

/**
 * Whether a worker may start without what is broken: it may not where tasks of it are pending, or where the
 * configuration has settings for its plugin.
 *
 * @throws ProcessorNeededError
 */
export async function needProcessors(project: Project): Promise<void> {
  for (const broken of await brokenOnes(project)) {
    const [pending] = await orphanedTasks(project, tablesOf(broken.plugin, broken.processor))
    const need = pending ? pendingInWords(pending) : configured(project, broken)
    if (need === undefined) continue
    const { processor, plugin } = broken
    const what = processor === undefined ? `the plugin ${plugin.name}` : `the processor "${processor}"`
    throw new ProcessorNeededError(what, need, broken.error)
  }
}

/** Pending tasks that wait in vain, since the plugin of their table has gone. Those of what is broken are told with it. */
export async function tasksOfNobody(project: Project): Promise<ListedProblem[]> {
  const broken = (await brokenOnes(project)).flatMap(({ plugin, processor }) => [...tablesOf(plugin, processor)])
  const pending = await orphanedTasks(project)
  return pending
    .filter(({ table }) => !broken.includes(table))
    .map((each) => ({
      code: 'PROCESSOR_MISSING',
      message: `${pendingInWords(each)}, and there is no processor for them.`,
      suggestions: [`install the plugin whose table "${each.table}" is: ops plugins install <package>`],
    }))
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

/** What is broken does not say which table is its own, save where it is a program. */
function tablesOf(plugin: Plugin, processor: string | undefined): Set<string> {
  const { processors = {} } = (plugin.manifest.ops ?? {}) as { processors?: object }
  const { table } = ((processors as Record<string, unknown>)[processor ?? ''] ?? {}) as { table?: unknown }
  return typeof table === 'string' ? new Set([table]) : tablesOfPlugin(plugin)
}
