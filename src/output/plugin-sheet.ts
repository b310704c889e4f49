import { relative } from 'node:path'
import type { PluginsChange } from '../plugins/change-plugins.ts'
import type { PluginFacts } from '../plugins/inspect-plugin.ts'
import { faultsOf, type ListedPlugins, type PluginSheet } from '../plugins/list-plugins.ts'
import { type ListedProcessor, waitsForMigration } from '../project/list-processors.ts'
import { atOnce, problemText } from './processors-table.ts'
import { type Screen, styled } from './screen.ts'
import { Table, type TableColumn } from './table.ts'

const columns: readonly TableColumn[] = [
  { title: 'plugin', isFlexible: true, style: () => 'bold' },
  { title: 'version' },
  { title: 'source', style: () => 'dim' },
  { title: 'processors', isFlexible: true },
  { title: 'state', isOptional: true, style: () => 'red' },
  { title: 'from', isOptional: true, isFlexible: true, style: () => 'dim' },
]

/** Plugins, one a line, and beneath them what is wrong. */
export function pluginsTable({ plugins, problems }: ListedPlugins, screen: Screen): string {
  const rows = plugins.map((sheet) => [
    sheet.name,
    sheet.version,
    sheet.source,
    sheet.processors.map(({ name }) => name).join(', '),
    isBroken(sheet) ? 'broken' : '',
    sheet.source === 'linked' ? relativePath(sheet.root) : '',
  ])
  const broken = [...problems, ...plugins.flatMap(problemsOf)].flatMap((problem) => ['', ...problemText(problem)])
  return [new Table(columns, screen).render(rows), ...broken].join('\n')
}

/** One plugin at full length. */
export function pluginSheet(
  sheet: PluginSheet,
  { summary, spec, migrations, dependencies, commands }: PluginFacts & { commands: readonly string[] },
  screen: Screen,
): string {
  const facts = [
    ['source', sheet.source],
    ['root', sheet.root],
    ['summary', summary],
    ['installed by', spec],
    ['migrations', migrations],
    ['dependencies', dependencies.join(', ')],
    ['commands', commands.join(', ')],
    ['settings', `plugins.${sheet.settingsKey}`],
    ...sheet.processors.map((one) => ['processor', `${one.name}: ${processorFacts(one).join(', ')}`]),
  ].map(([title, value]) => [title!, value ?? ''] as const)
  const columns = [{ title: '', style: () => 'dim' as const }, { title: '' }]
  // At full length also on a narrow screen: a path that is cut is none.
  const table = new Table(columns, { ...screen, width: undefined })
  const known = facts.filter(([, value]) => value !== '')
  return [
    styled(`${sheet.name} ${sheet.version}`, 'bold', screen),
    ...table
      .render(known, { hasHeader: false })
      .split('\n')
      .map((line) => `  ${line}`),
    ...problemsOf(sheet).flatMap((problem) => ['', ...problemText(problem)]),
  ].join('\n')
}

/**
 * What came of installing or linking.
 *
 * @param unchanged plugins for which an update has found nothing newer
 */
export function changeLines(
  { folder, plugins, migration }: PluginsChange,
  unchanged: readonly string[],
  screen: Screen,
): string[] {
  const owner = { project: 'for this project', user: 'for this user', environment: 'where OPS_DATA_DIR says' }
  const lines = plugins.flatMap((sheet) => {
    const { name, version, source, previousVersion, wasLinked, root } = sheet
    const before = [
      ...(previousVersion === null || previousVersion === version ? [] : [previousVersion]),
      ...(wasLinked && source === 'installed' ? ['linked'] : []),
    ]
    const was = before.length === 0 ? '' : ` (was ${before.join(', ')})`
    const where = source === 'linked' ? relativePath(root) : relativePath(folder.path)
    const title = styled(`${name} ${version}`, 'bold', screen)
    if (unchanged.includes(name)) return [`${title} stays: there is nothing newer of what was asked for`]
    const head = `${title}${was} is ${source} ${owner[folder.scope]}, ${source === 'linked' ? 'from' : 'in'} ${where}`
    return [head, ...processorLines(sheet.processors)]
  })
  if (migration.isDone) lines.push('The database is up to date.')
  if (migration.isDue && !plugins.every(isBroken)) lines.push('Next: ops migrate')
  return lines
}

export function problemsOf(sheet: PluginSheet) {
  return [...sheet.problems, ...sheet.processors.flatMap(({ problem }) => problem ?? [])]
}

export function isBroken(sheet: PluginSheet): boolean {
  return faultsOf(sheet).length > 0
}

function processorLines(processors: readonly ListedProcessor[]): string[] {
  return processors.map((one) => `  processor ${[one.name, ...processorFacts(one)].join(', ')}`)
}

function processorFacts(one: ListedProcessor): string[] {
  return [
    ...(one.table === null ? [] : [`table ${one.table}`]),
    ...(one.priority === null ? [] : [`priority ${one.priority}`]),
    waitsForMigration(one) ? 'waits for ops migrate' : one.problem === null ? `${atOnce(one)} at once` : 'broken',
  ]
}

function relativePath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}
