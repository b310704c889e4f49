import { relative } from 'node:path'
import type { PluginsChange } from '../project/change-plugins.ts'
import { faultsOf, type ListedPlugins, type PluginSheet } from '../project/list-plugins.ts'
import { type ListedProcessor, waitsForMigration } from '../project/list-processors.ts'
import { type Screen, styled } from '../terminal/screen.ts'
import { Table, type TableColumn } from '../terminal/table.ts'
import { atOnce, problemText } from './processors-table.ts'

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
export function pluginSheet(sheet: PluginSheet, extra: readonly (readonly [string, string])[], screen: Screen): string {
  const facts = [['source', sheet.source], ['root', sheet.root], ...extra, ['settings', `plugins.${sheet.settingsKey}`]]
  return [
    styled(`${sheet.name} ${sheet.version}`, 'bold', screen),
    ...facts.map(([title, value]) => `  ${title!.padEnd(12)}${value}`),
    ...processorLines(sheet.processors),
    ...problemsOf(sheet).flatMap((problem) => ['', ...problemText(problem)]),
  ].join('\n')
}

/** What came of installing or linking. */
export function changeLines({ folder, plugins, migration }: PluginsChange, screen: Screen): string[] {
  const owner = { project: 'for this project', user: 'for this user', environment: 'where OPS_DATA_DIR says' }
  const lines = plugins.flatMap((sheet) => {
    const { name, version, source, previousVersion, root } = sheet
    const was = previousVersion === null || previousVersion === version ? '' : ` (was ${previousVersion})`
    const where = source === 'linked' ? relativePath(root) : relativePath(folder.path)
    const head = `${styled(`${name} ${version}`, 'bold', screen)}${was} is ${source} ${owner[folder.scope]}, ${source === 'linked' ? 'from' : 'in'} ${where}`
    return [head, ...processorLines(sheet.processors)]
  })
  if (migration.isDone) lines.push('The database is up to date.')
  if (migration.isDue) lines.push('Next: ops migrate')
  return lines
}

export function problemsOf(sheet: PluginSheet) {
  return [...sheet.problems, ...sheet.processors.flatMap(({ problem }) => problem ?? [])]
}

export function isBroken(sheet: PluginSheet): boolean {
  return faultsOf(sheet).length > 0
}

function processorLines(processors: readonly ListedProcessor[]): string[] {
  return processors.map((one) => {
    const table = one.table === null ? '' : `, table ${one.table}`
    const order = one.priority === null ? '' : `, priority ${one.priority}`
    const state = one.problem !== null ? (waitsForMigration(one) ? '' : ', broken') : `, ${atOnce(one)} at once`
    return `  processor ${one.name}${table}${order}${state}`
  })
}

function relativePath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || short === '' ? path : short
}
