import { InvalidConfigurationError, type Problem, TaskTableMissingError, toProblem } from '../errors.ts'
import type { ExclusiveBy } from '../processor/define-processor.ts'
import { type BrokenPlugin, type DeclaredProcessor, type Plugin, shortName } from '../processor/processor-registry.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { missingTables } from './migrate-project.ts'
import type { FailedProcessor, Project } from './open-project.ts'

/** Where a plugin comes from, as users call it. */
export type PluginSource = 'linked' | 'installed' | 'bundled'

/**
 * `needs_migration` works after `ops migrate`, `invalid_settings` after a change of the configuration; `no_table` and
 * `broken` need a change of the plugin.
 */
export type ProcessorState = 'ready' | 'needs_migration' | 'invalid_settings' | 'no_table' | 'broken'

export interface ListedProcessor {
  readonly name: string
  readonly plugin: string
  readonly version: string
  readonly source: PluginSource
  readonly summary: string | null
  /** Null if only the module tells it, and the module cannot be imported. */
  readonly table: string | null
  readonly priority: number | null
  readonly exclusiveBy: ExclusiveBy | null
  /** Whether it performs one task at a time. */
  readonly exclusive: boolean
  readonly state: ProcessorState
  /** Null if it is ready. */
  readonly problem: Problem | null
}

export interface ListedProcessors {
  /** By priority, then those that cannot be imported by name. */
  readonly processors: readonly ListedProcessor[]
  /** Plugins that are unusable as a whole. */
  readonly problems: readonly Problem[]
  /** Bundled plugins that the configuration does not name, by their short names. */
  readonly disabled: readonly string[]
  /** Which plugin provides a processor in place of the bundled one. */
  readonly replaced: readonly { readonly processor: string; readonly plugin: string }[]
}

/** Imports every processor to see whether it works. */
export async function listProcessors(project: Project): Promise<ListedProcessors> {
  const { ready, failed } = await project.processors()
  const tableless = await missingTables(project, ready)
  const unusable = project.registry.broken.flatMap(({ plugin, processor, problem }) =>
    plugin === undefined || processor === undefined ? [] : [unusableProcessor(processor, plugin, 'broken', problem)],
  )
  const broken = [...failed.map(failedProcessor), ...unusable].sort((a, b) => a.name.localeCompare(b.name))
  const imported = ready.map((one) => {
    const { processor } = one.queued
    return importedProcessor(project.registry.find(processor), one, tableless.get(processor))
  })
  const problems = project.registry.broken.filter(isWhole).map(({ problem }) => problem)
  const disabled = project.registry.disabled.map(({ name }) => shortName(name))
  const replaced = project.registry.replaced.map(({ name, plugin }) => ({ processor: name, plugin: plugin.name }))
  return { processors: [...imported, ...broken], problems, disabled, replaced }
}

/** Whether a plugin is unusable as a whole. */
export function isWhole({ processor }: BrokenPlugin): boolean {
  return processor === undefined
}

export function sourceOf({ type }: Plugin): PluginSource {
  return type === 'link' ? 'linked' : type === 'user' ? 'installed' : 'bundled'
}

function importedProcessor(
  declared: DeclaredProcessor,
  { processor, queued }: ReadyProcessor,
  problem: Problem | undefined,
): ListedProcessor {
  const { exclusivity } = queued
  return {
    ...origin(declared.name, declared.plugin),
    summary: processor.summary ?? null,
    table: queued.table.name,
    priority: queued.priority,
    exclusiveBy: exclusivity.kind === 'column' ? { key: exclusivity.name, column: exclusivity.column } : null,
    exclusive: exclusivity.kind === 'table',
    state: problem === undefined ? 'ready' : 'no_table',
    problem: problem ?? null,
  }
}

function failedProcessor({ declared, error }: FailedProcessor): ListedProcessor {
  const { name, plugin } = declared
  const table = declared.module === undefined ? declared.command.table : null
  return { ...unusableProcessor(name, plugin, stateAfter(error), toProblem(error, name)), table }
}

function stateAfter(error: Error): ProcessorState {
  if (error instanceof TaskTableMissingError) return 'needs_migration'
  return error instanceof InvalidConfigurationError ? 'invalid_settings' : 'broken'
}

function unusableProcessor(name: string, plugin: Plugin, state: ProcessorState, problem: Problem): ListedProcessor {
  const unknown = { summary: null, table: null, priority: null, exclusiveBy: null, exclusive: false }
  return { ...origin(name, plugin), ...unknown, state, problem }
}

function origin(name: string, plugin: Plugin) {
  return { name, plugin: plugin.name, version: plugin.version, source: sourceOf(plugin) }
}
