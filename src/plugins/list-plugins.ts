import { countingPlugins, shortName } from '../processor/processor-registry.ts'
import {
  type ListedProcessor,
  listProcessors,
  type PluginProblem,
  type PluginSource,
  sourceOf,
  waitsForMigration,
} from '../project/list-processors.ts'
import type { Project } from '../project/open-project.ts'
import { everyPlugin, type KnownPlugins } from './known-plugins.ts'

/** A plugin as people are shown it. */
export interface PluginSheet {
  readonly name: string
  readonly version: string
  readonly source: PluginSource
  readonly root: string
  /** The key of its settings under `plugins` in the configuration. */
  readonly settingsKey: string
  readonly processors: readonly ListedProcessor[]
  /** What is wrong with all of it; what is wrong with a processor stands there. */
  readonly problems: readonly PluginProblem[]
}

export interface ListedPlugins {
  readonly plugins: readonly PluginSheet[]
  /** What is wrong with the list itself. */
  readonly problems: readonly PluginProblem[]
}

/** Every plugin, those that are broken included, each with what came of importing its processors. */
export async function listPlugins(project: Project, known: KnownPlugins): Promise<ListedPlugins> {
  const { processors, problems } = await listProcessors(project)
  const sheets = countingPlugins(everyPlugin(known)).map((plugin) => ({
    name: plugin.name,
    version: plugin.version,
    source: sourceOf(plugin),
    root: plugin.root,
    settingsKey: shortName(plugin.name),
    processors: processors.filter((one) => one.plugin === plugin.name),
    problems: problems.filter((one) => one.plugin === plugin.name),
  }))
  return { plugins: sheets, problems: problems.filter((one) => one.plugin === null) }
}

/** What keeps a plugin from working, beyond what `ops migrate` or a setting mends. */
export function faultsOf({ processors, problems }: PluginSheet): readonly string[] {
  const broken = processors.filter((one) => one.problem !== null && !waitsForMigration(one))
  return [...problems, ...broken.flatMap(({ problem }) => problem ?? [])]
    .filter(({ code }) => code !== 'INVALID_CONFIGURATION')
    .map(({ message }) => message)
}
