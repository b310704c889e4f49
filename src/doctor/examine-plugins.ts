import type { Problem } from '../errors.ts'
import type { KnownPlugins } from '../plugins/find-plugins.ts'
import { listPlugins, type PluginDetails } from '../plugins/list-plugins.ts'
import type { Project } from '../project/open-project.ts'
import type { Finding } from '../queue/finding.ts'

/** Whether each plugin can be used, with its settings; those that can in one line. */
export async function examinePlugins(project: Project, known: KnownPlugins): Promise<Finding[]> {
  const { plugins, problems } = await listPlugins(project, known)
  const broken = plugins.flatMap((sheet) =>
    problemsOf(sheet).map((problem) => asFinding(`plugin ${sheet.settingsKey}`, problem)),
  )
  const sound = plugins.filter((sheet) => problemsOf(sheet).length === 0)
  const names = sound.map(({ settingsKey, version, source }) =>
    source === 'bundled' ? settingsKey : `${settingsKey} ${version} (${source})`,
  )
  return [
    { name: 'plugins', status: 'ok', found: names.length === 0 ? 'none works' : names.join(', ') },
    ...problems.map((problem) => asFinding('plugins', problem)),
    ...broken,
  ]
}

/** Missing tables are reported with the database. */
function problemsOf({ processors, problems }: PluginDetails): readonly Problem[] {
  const ofProcessors = processors.filter(({ state }) => state !== 'needs_migration' && state !== 'no_table')
  return [...problems, ...ofProcessors.flatMap(({ problem }) => problem ?? [])]
}

function asFinding(name: string, { message, suggestions }: Problem): Finding {
  return { name, status: 'problem', found: message, remedy: suggestions.join(', ') || undefined }
}
