import type { Problem } from '../errors.ts'
import type { KnownPlugins } from '../plugins/find-plugins.ts'
import { listPlugins, type PluginDetails } from '../plugins/list-plugins.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed } from '../queue/check.ts'

/** Checks whether each plugin can be used with its settings. */
export async function checkPlugins(project: Project, known: KnownPlugins): Promise<Check[]> {
  const { plugins, problems } = await listPlugins(project, known)
  const broken = plugins.flatMap((plugin) =>
    problemsOf(plugin).map((problem) => failed(`plugin ${plugin.settingsKey}`, problem)),
  )
  const usable = plugins.filter((plugin) => plugin.isEnabled && problemsOf(plugin).length === 0)
  const names = usable.map(({ settingsKey, version, source }) =>
    source === 'bundled' ? settingsKey : `${settingsKey} ${version} (${source})`,
  )
  return [
    passed('plugins', names.length === 0 ? 'none' : names.join(', ')),
    ...project.registry.replaced.map(({ name, plugin }) =>
      passed(`processor ${name}`, `that of ${plugin.name}, not the bundled one`),
    ),
    ...problems.map((problem) => failed('plugins', problem)),
    ...broken,
  ]
}

function problemsOf({ processors, problems }: PluginDetails): readonly Problem[] {
  // A table that is missing is a problem of the database.
  const ofProcessors = processors.filter(({ state }) => state !== 'needs_migration' && state !== 'no_table')
  return [...problems, ...ofProcessors.flatMap(({ problem }) => problem ?? [])]
}
