import { exitStatus, OpsError, type Problem, toProblem } from '../errors.ts'
import { enableSuggestion, type Plugin, shortName } from '../processor/processor-registry.ts'
import type { Project } from './open-project.ts'
import { formatPending, orphanedTasks, tablesOfPlugin } from './orphaned-tasks.ts'

/** A plugin, or one of its processors, that cannot be used. */
interface Unusable {
  readonly plugin: Plugin
  /** Undefined for the whole plugin. */
  readonly processor: string | undefined
  readonly problem: Problem
}

/**
 * Checks that a worker may start without the processors that cannot be used: none of them has pending tasks, and the
 * configuration has no settings for their plugins.
 *
 * @throws OpsError with the code PROCESSOR_NEEDED
 */
export async function requireProcessors(project: Project): Promise<void> {
  for (const unusable of await unusableProcessors(project)) {
    const { plugin, processor, problem } = unusable
    const [pending] = await orphanedTasks(project, tablesOf(plugin, processor))
    const need = pending ? formatPending(pending) : settingsOf(project, plugin)
    if (need === undefined) continue
    const what = processor === undefined ? `the plugin ${plugin.name}` : `the processor "${processor}"`
    // A restart would not help, so the status is one on which systemd does not restart.
    throw new OpsError(
      'PROCESSOR_NEEDED',
      `The worker cannot start without ${what}, which has ${need}. ${problem.message}`,
      {
        exit: exitStatus.configuration,
        suggestions: [...problem.suggestions, 'run only other processors: ops worker --only <processor,…>'],
      },
    )
  }
}

/** Pending tasks whose plugin is gone. Those of a broken plugin are reported with the plugin. */
export async function tasksWithoutProcessor(project: Project): Promise<Problem[]> {
  const unusable = await unusableProcessors(project)
  const reported = unusable.flatMap(({ plugin, processor }) => [...tablesOf(plugin, processor)])
  const pending = await orphanedTasks(project)
  return pending
    .filter(({ table }) => !reported.includes(table))
    .map((tasks) => ({
      code: 'PROCESSOR_MISSING',
      severity: 'warning',
      where: tasks.table,
      message: `No processor for ${formatPending(tasks)}.`,
      suggestions: [ownerOf(project, tasks.table)],
    }))
}

function ownerOf({ registry }: Project, table: string): string {
  const disabled = registry.disabled.find((plugin) => tablesOfPlugin(plugin).has(table))
  if (disabled) return enableSuggestion(disabled)
  return `install the plugin that has the table "${table}": ops plugins install <package>`
}

async function unusableProcessors(project: Project): Promise<Unusable[]> {
  const { failed } = await project.processors()
  return [
    ...failed.map(({ declared: { name, plugin }, error }) => ({
      plugin,
      processor: name,
      problem: toProblem(error, name),
    })),
    ...project.registry.broken.flatMap(({ plugin, processor, problem }) =>
      plugin === undefined ? [] : [{ plugin, processor, problem }],
    ),
  ]
}

function settingsOf({ config, file }: Project, { name }: Plugin): string | undefined {
  const key = shortName(name)
  if (config.plugins?.[key] === undefined) return undefined
  return `settings in ${file ?? 'the configuration'} (plugins.${key})`
}

/** A module that cannot be imported does not tell which table is its own; a declared program does. */
function tablesOf(plugin: Plugin, processor: string | undefined): Set<string> {
  const { processors = {} } = (plugin.manifest.ops ?? {}) as { processors?: object }
  const { table } = ((processors as Record<string, unknown>)[processor ?? ''] ?? {}) as { table?: unknown }
  return typeof table === 'string' ? new Set([table]) : tablesOfPlugin(plugin)
}
