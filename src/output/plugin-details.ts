import { relative } from 'node:path'
import type { Problem } from '../errors.ts'
import { oneLine } from '../format.ts'
import { defectsOf, type InspectedPlugin, type ListedPlugins, type PluginDetails } from '../plugins/list-plugins.ts'
import type { ListedProcessor } from '../project/list-processors.ts'
import { formatProblem } from './print-problem.ts'
import { concurrency } from './processors-table.ts'
import { type Screen, styled } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const BROKEN = 'broken'

const columns: readonly TableColumn[] = [
  { title: 'plugin', isFlexible: true, style: () => 'bold' },
  { title: 'version' },
  { title: 'source', style: () => 'dim' },
  { title: 'processors', isFlexible: true },
  { title: 'state', isOptional: true, style: (cell) => (cell === BROKEN ? 'red' : 'dim') },
  { title: 'from', isOptional: true, isFlexible: true, style: () => 'dim' },
]

/** One plugin a line, and below the table every problem. */
export function pluginsTable({ plugins, problems }: ListedPlugins, screen: Screen): string {
  const rows = plugins.map((plugin) => [
    plugin.name,
    plugin.version,
    plugin.source,
    plugin.processors.map(({ name }) => name).join(', '),
    defectsOf(plugin).length > 0 ? BROKEN : plugin.isEnabled ? '' : 'not enabled',
    plugin.source === 'linked' ? relativePath(plugin.root) : '',
  ])
  const all = [...problems, ...plugins.flatMap(problemsOf)]
  return [new Table(columns, screen).render(rows), ...all.map((problem) => formatProblem(problem, screen))].join('\n\n')
}

/** Everything about one plugin. */
export function pluginDetails(plugin: InspectedPlugin & { commands: readonly string[] }, screen: Screen): string {
  const rows = [
    ['source', plugin.source],
    ['root', plugin.root],
    ['summary', plugin.summary],
    ['installed from', plugin.spec],
    ['migrations', plugin.migrations],
    ['dependencies', plugin.dependencies.join(', ')],
    ['commands', plugin.commands.join(', ')],
    ['settings', `plugins.${plugin.settingsKey}`],
    ['state', plugin.isEnabled ? null : `not enabled; to enable it: plugins: { ${plugin.settingsKey}: {} }`],
    ...plugin.processors.map((one) => ['processor', `${one.name}: ${processorFacts(one)}`]),
  ].filter(([, value]) => value !== null && value !== '')
  const columns = [{ title: '', style: () => 'dim' as const }, { title: '' }]
  // Not cut on a narrow screen: half a path is useless.
  const table = new Table(columns, { ...screen, width: undefined })
  const lines = table.render(rows as string[][], { hasHeader: false }).split('\n')
  const title = styled(oneLine(`${plugin.name} ${plugin.version}`), 'bold', screen)
  const details = [title, ...lines.map((line) => `  ${line}`)].join('\n')
  return [details, ...problemsOf(plugin).map((problem) => formatProblem(problem, screen))].join('\n\n')
}

export function problemsOf({ problems, processors }: PluginDetails): Problem[] {
  return [...problems, ...processors.flatMap(({ problem }) => problem ?? [])]
}

/** `table notes, priority 100, any number at once`. */
export function processorFacts(one: ListedProcessor): string {
  return [
    ...(one.table === null ? [] : [`table ${one.table}`]),
    ...(one.priority === null ? [] : [`priority ${one.priority}`]),
    one.state === 'ready'
      ? `${concurrency(one)} at once`
      : one.state === 'needs_migration'
        ? 'needs ops migrate'
        : 'broken',
  ].join(', ')
}

export function relativePath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}
