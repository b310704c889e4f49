import type { KnownPlugins } from '../plugins/known-plugins.ts'
import { listPlugins, type PluginSheet } from '../plugins/list-plugins.ts'
import { type ListedProblem, waitsForMigration } from '../project/list-processors.ts'
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

function problemsOf({ processors, problems }: PluginSheet): readonly ListedProblem[] {
  const ofProcessors = processors.filter((one) => !waitsForMigration(one) && !isOfTable(one.problem))
  return [...problems, ...ofProcessors.flatMap(({ problem }) => problem ?? [])]
}

/** Those are said of the table. */
function isOfTable(problem: ListedProblem | null): boolean {
  return problem?.code === 'TABLE_NOT_MADE'
}

function asFinding(name: string, { message, suggestions }: ListedProblem): Finding {
  return { name, status: 'problem', found: message, remedy: suggestions.join(', ') || undefined }
}
