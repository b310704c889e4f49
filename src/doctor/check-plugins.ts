import type { Problem } from '../errors.ts'
import type { KnownPlugins } from '../plugins/known-plugins.ts'
import { listPlugins, type PluginSheet } from '../plugins/list-plugins.ts'
import { waitsForMigration } from '../project/list-processors.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed } from '../queue/check.ts'

/** Checks whether each plugin can be used with its settings. */
export async function checkPlugins(project: Project, known: KnownPlugins): Promise<Check[]> {
  const { plugins, problems } = await listPlugins(project, known)
  const broken = plugins.flatMap((plugin) =>
    problemsOf(plugin).map((problem) => failed(`plugin ${plugin.settingsKey}`, asError(problem))),
  )
  const usable = plugins.filter((plugin) => problemsOf(plugin).length === 0)
  const names = usable.map(({ settingsKey, version, source }) =>
    source === 'bundled' ? settingsKey : `${settingsKey} ${version} (${source})`,
  )
  return [
    passed('plugins', names.length === 0 ? 'none' : names.join(', ')),
    ...problems.map((problem) => failed('plugins', asError(problem))),
    ...broken,
  ]
}

type PluginProblem = Omit<Problem, 'severity' | 'where'>

function problemsOf({ processors, problems }: PluginSheet): readonly PluginProblem[] {
  // A table that is missing is a problem of the database.
  const ofProcessors = processors.filter((one) => !waitsForMigration(one) && one.problem?.code !== 'TABLE_NOT_MADE')
  return [...problems, ...ofProcessors.flatMap(({ problem }) => problem ?? [])]
}

function asError({ code, message, suggestions }: PluginProblem): Problem {
  return { code, severity: 'error', message, suggestions }
}
