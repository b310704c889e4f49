import type { Problem } from '../errors.ts'
import type { ChangedPlugin, PluginsChange } from '../plugins/change-plugins.ts'
import type { PluginFolder } from '../plugins/find-plugins.ts'
import { defectsOf } from '../plugins/list-plugins.ts'
import type { RemovedPlugin } from '../plugins/remove-plugins.ts'
import { formatPending } from '../project/orphaned-tasks.ts'
import { problemsOf, processorFacts, relativePath } from './plugin-details.ts'
import { screenOf, styled } from './screen.ts'

interface Output {
  log(line: string): void
  warn(problem: string | Pick<Problem, 'message' | 'suggestions'>): unknown
}

/**
 * Prints what was installed, updated or linked. The exit status is 1 if it does not work.
 *
 * @param unchanged plugins that an update found up to date
 */
export function printChange(change: PluginsChange, output: Output, unchanged: readonly string[] = []): void {
  const { folder, plugins, migration } = change
  for (const plugin of plugins) for (const line of changeLines(plugin, folder, unchanged)) output.log(line)
  if (migration.isDone) output.log('The database is up to date.')
  if (migration.isDue && plugins.some((plugin) => defectsOf(plugin).length === 0)) output.log('Next: ops migrate')
  for (const plugin of plugins) {
    const missing = plugin.processors.filter(({ state }) => state === 'needs_migration').map(({ problem }) => problem)
    for (const problem of problemsOf(plugin)) if (!missing.includes(problem)) output.warn(problem)
    if (defectsOf(plugin).length === 0) continue
    output.warn(`${plugin.name} is ${plugin.source} but does not work. Other plugins are not affected.`)
    process.exitCode = 1
  }
  for (const problem of migration.problems) output.warn(problem)
  if (migration.problems.length > 0) process.exitCode = 1
}

export function printSkippedScripts(names: readonly string[], output: Output): void {
  for (const name of names)
    output.warn({
      message: `Install scripts of ${name} or its dependencies did not run.`,
      suggestions: ['run them: --allow-scripts'],
    })
}

/** Prints what a removed plugin leaves in the database, and how to run its pending tasks. */
export function printLeftovers({ tables, pending, problem, reinstallCommand }: RemovedPlugin, output: Output): void {
  if (tables.length > 0) output.log(`  kept in the database: ${tables.join(', ')}`)
  for (const tasks of pending)
    output.warn({ message: `No processor for ${formatPending(tasks)}.`, suggestions: [reinstallCommand] })
  if (problem !== null) output.warn(`Cannot check for pending tasks: ${problem.message}`)
}

const scopes: Readonly<Record<PluginFolder['scope'], string>> = {
  project: 'for this project',
  user: 'for this user',
  environment: 'per OPS_DATA_DIR',
}

function changeLines(plugin: ChangedPlugin, folder: PluginFolder, unchanged: readonly string[]): string[] {
  const { name, version, source, previousVersion, wasLinked, root } = plugin
  const title = styled(`${name} ${version}`, 'bold', screenOf(process.stdout, process.env))
  if (unchanged.includes(name)) return [`${title} is already up to date`]
  const before = [
    ...(previousVersion === null || previousVersion === version ? [] : [previousVersion]),
    ...(wasLinked && source === 'installed' ? ['linked'] : []),
  ]
  const was = before.length === 0 ? '' : ` (was ${before.join(', ')})`
  const where = source === 'linked' ? `from ${relativePath(root)}` : `in ${relativePath(folder.path)}`
  return [
    `${title}${was} is ${source} ${scopes[folder.scope]}, ${where}`,
    ...plugin.processors.map((one) => `  processor ${one.name}, ${processorFacts(one)}`),
  ]
}
