import type { Problem } from '../errors.ts'
import { activePlugins, shortName } from '../processor/processor-registry.ts'
import {
  isWhole,
  type ListedProcessor,
  listProcessors,
  type PluginSource,
  sourceOf,
} from '../project/list-processors.ts'
import type { Project } from '../project/open-project.ts'
import { allPlugins, type KnownPlugins } from './find-plugins.ts'
import { findListed, readPluginList } from './plugin-list.ts'

export interface PluginDetails {
  readonly name: string
  readonly version: string
  readonly source: PluginSource
  readonly root: string
  /** The key of its settings under `plugins` in the configuration. */
  readonly settingsKey: string
  /** False for a bundled plugin that the configuration does not name. */
  readonly isEnabled: boolean
  readonly processors: readonly ListedProcessor[]
  /** What makes the whole plugin unusable; the problem of a processor is with the processor. */
  readonly problems: readonly Problem[]
}

export interface ListedPlugins {
  readonly plugins: readonly PluginDetails[]
  /** Problems of the list itself. */
  readonly problems: readonly Problem[]
}

export interface InspectedPlugin extends PluginDetails {
  readonly summary: string | null
  /** What it was installed from. */
  readonly spec: string | null
  /** The folder of its migrations, relative to the plugin. */
  readonly migrations: string | null
  readonly dependencies: readonly string[]
}

/** Every plugin, broken ones included. Imports their processors. */
export async function listPlugins(project: Project, known: KnownPlugins): Promise<ListedPlugins> {
  const { processors } = await listProcessors(project)
  const broken = project.registry.broken.filter(isWhole)
  const disabled = project.registry.disabled.map(({ name }) => name)
  const problemsOf = (name: string | undefined) =>
    broken.filter(({ plugin }) => plugin?.name === name).map(({ problem }) => problem)
  const plugins = activePlugins(allPlugins(known)).map((plugin) => ({
    name: plugin.name,
    version: plugin.version,
    source: sourceOf(plugin),
    root: plugin.root,
    settingsKey: shortName(plugin.name),
    isEnabled: !disabled.includes(plugin.name),
    processors: processors.filter((one) => one.plugin === plugin.name),
    problems: problemsOf(plugin.name),
  }))
  return { plugins, problems: problemsOf(undefined) }
}

/** @throws OpsError with the code PLUGIN_NOT_INSTALLED */
export async function inspectPlugin(project: Project, known: KnownPlugins, name: string): Promise<InspectedPlugin> {
  const details = findListed((await listPlugins(project, known)).plugins, name, 'available')
  const { description, dependencies, ops } = (known.plugins.find(({ root }) => root === details.root)?.manifest ??
    {}) as { description?: unknown; dependencies?: object; ops?: { migrations?: unknown } | null }
  const listed =
    details.source === 'installed'
      ? readPluginList(known.folder.path).plugins.find((plugin) => plugin.name === details.name)
      : undefined
  return {
    ...details,
    summary: textOrNull(description),
    spec: listed?.spec ?? null,
    migrations: textOrNull(ops?.migrations),
    dependencies: Object.entries(dependencies ?? {}).map(([dependency, range]) => `${dependency} ${range}`),
  }
}

/** What must change in the plugin itself before it works. */
export function defectsOf({ processors, problems }: PluginDetails): readonly Problem[] {
  const broken = processors.filter(({ state }) => state === 'broken' || state === 'no_table')
  return [...problems, ...broken.flatMap(({ problem }) => problem ?? [])]
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
