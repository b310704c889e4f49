import type { Config } from '../config/config.ts'
import { openProject } from '../project/open-project.ts'
import { type KnownPlugins, type Place, pluginsIn } from './known-plugins.ts'
import { faultsOf, listPlugins, type PluginSheet } from './list-plugins.ts'
import { PluginChange } from './plugin-change.ts'
import { PluginWorseError } from './plugin-errors.ts'
import { findPluginFolder, type PluginFolder } from './plugin-folder.ts'
import { listPlugin, readPluginList } from './plugin-list.ts'
import { migrateAfterChange, type PluginMigration } from './plugin-migration.ts'

export interface ChangeOptions {
  /** Puts a plugin that cannot be used in place of one that can. */
  readonly force: boolean
  /** Migrates afterwards. */
  readonly migrate: boolean
}

export interface ChangedPlugin extends PluginSheet {
  /** The version that was installed or linked before. */
  readonly previousVersion: string | null
  /** Whether a link to a folder stood there before. */
  readonly wasLinked: boolean
}

export interface PluginsChange {
  readonly folder: PluginFolder
  readonly plugins: readonly ChangedPlugin[]
  readonly migration: PluginMigration
}

/** What a change finds when it begins. */
export interface Beginning {
  readonly folder: PluginFolder
  readonly config: Config
  /** The project's. */
  readonly directory: string
}

/**
 * Adds or replaces plugins: `work` changes a copy of their folder and returns the names of those that it has brought.
 * They are imported once, to say what they are and what is wrong with them.
 */
export async function changePlugins(
  place: Place,
  options: ChangeOptions,
  work: (copy: string, beginning: Beginning) => Promise<readonly string[]>,
): Promise<PluginsChange> {
  const folder = findPluginFolder(place)
  const before = pluginsIn(folder)
  // What is wrong with the configuration is told before anything changes.
  const project = await openProject({ ...place, ...before })
  const change = PluginChange.begin(folder.path)
  let staged: readonly PluginSheet[]
  try {
    const names = await work(change.path, { folder, config: project.config, directory: project.directory })
    // Imported from the copy: Node keeps a module that it has imported, and later the same path holds another version.
    staged = (await sheetsOf(place, pluginsIn(folder, change.path))).filter(({ name }) => names.includes(name))
    if (!options.force) for (const sheet of staged) await refuseWorse(place, before, sheet)
    keepTables(change.path, staged)
    change.commit()
  } finally {
    change.abandon()
    await project.close()
  }
  const migration = await migrateAfterChange(place, folder, options.migrate)
  const names = staged.map(({ name }) => name)
  const shown = migration.isDone
    ? (await sheetsOf(place, pluginsIn(folder))).filter(({ name }) => names.includes(name))
    : staged.map((sheet) => inPlace(sheet, change.path, folder.path))
  const changed = shown.map((sheet) => {
    const previous = before.plugins.find(({ name, type }) => name === sheet.name && type !== 'bundled')
    return { ...sheet, previousVersion: previous?.version ?? null, wasLinked: previous?.type === 'link' }
  })
  return { folder, plugins: changed, migration }
}

async function sheetsOf(place: Place, known: KnownPlugins): Promise<readonly PluginSheet[]> {
  const project = await openProject({ ...place, ...known })
  try {
    return (await listPlugins(project, known)).plugins
  } finally {
    await project.close()
  }
}

/** @throws PluginWorseError when it is broken and what it replaces is not */
async function refuseWorse(place: Place, before: KnownPlugins, sheet: PluginSheet): Promise<void> {
  const [fault] = faultsOf(sheet)
  const isThere = before.plugins.some(({ name, type }) => name === sheet.name && type !== 'bundled')
  if (fault === undefined || !isThere) return
  const previous = (await sheetsOf(place, before)).find(({ name }) => name === sheet.name)
  if (previous === undefined || faultsOf(previous).length > 0) return
  throw new PluginWorseError(sheet.name, previous.version, sheet.version, fault)
}

/** For a worker that does not find the plugin: whether tasks wait for it. */
function keepTables(folder: string, sheets: readonly PluginSheet[]): void {
  const { plugins } = readPluginList(folder)
  for (const { name, processors } of sheets) {
    const listed = plugins.find((plugin) => plugin.name === name)
    const tables = processors.flatMap(({ table }) => table ?? [])
    if (listed && tables.length > 0) listPlugin(folder, { ...listed, tables })
  }
}

/** What was found in the copy, by where it is now. */
function inPlace(sheet: PluginSheet, copy: string, folder: string): PluginSheet {
  return JSON.parse(JSON.stringify(sheet), (_, value) =>
    typeof value === 'string' ? value.replaceAll(copy, folder) : value,
  )
}
