import type { Config } from '../config/config.ts'
import { OpsError, type Problem, toProblem } from '../errors.ts'
import { migrateProject } from '../project/migrate-project.ts'
import { openProject } from '../project/open-project.ts'
import {
  findPluginFolder,
  type KnownPlugins,
  loadPlugins,
  type PluginFolder,
  type ProjectLocation,
} from './find-plugins.ts'
import { defectsOf, listPlugins, type PluginDetails } from './list-plugins.ts'
import { listPlugin, readPluginList } from './plugin-list.ts'
import { PluginTransaction } from './plugin-transaction.ts'

export interface ChangeOptions {
  /** Replaces a plugin that works even if the new version does not. */
  readonly force: boolean
  /** Migrates afterwards. */
  readonly migrate: boolean
}

export interface ChangedPlugin extends PluginDetails {
  /** The version that was installed or linked before. */
  readonly previousVersion: string | null
  /** Whether it was linked before. */
  readonly wasLinked: boolean
}

export interface PluginsChange {
  readonly folder: PluginFolder
  readonly plugins: readonly ChangedPlugin[]
  readonly migration: MigrationAfterChange
}

export interface MigrationAfterChange {
  /** Whether `ops migrate` has something to do. */
  readonly isDue: boolean
  /** Whether it has just run. */
  readonly isDone: boolean
  readonly problems: readonly Problem[]
}

export interface ChangeContext {
  readonly folder: PluginFolder
  readonly config: Config
  /** The folder of the project. */
  readonly directory: string
}

/**
 * Adds or replaces plugins: `work` changes a copy of the plugin folder and returns the names of the plugins it added.
 * They are imported once, to show what they provide and what is wrong with them.
 */
export async function changePlugins(
  location: ProjectLocation,
  options: ChangeOptions,
  work: (copy: string, context: ChangeContext) => Promise<readonly string[]>,
): Promise<PluginsChange> {
  const folder = findPluginFolder(location)
  const before = loadPlugins(folder)
  // A broken configuration is reported before anything changes.
  const project = await openProject({ ...location, ...before })
  const transaction = PluginTransaction.begin(folder.path)
  let staged: readonly PluginDetails[]
  try {
    const names = await work(transaction.path, { folder, config: project.config, directory: project.directory })
    // Imported from the copy: Node caches modules by path, and the path in the folder may hold another version later.
    staged = (await detailsOf(location, loadPlugins(folder, transaction.path))).filter(({ name }) =>
      names.includes(name),
    )
    if (!options.force) for (const plugin of staged) await requireNoRegression(location, before, plugin)
    saveTables(transaction.path, staged)
    transaction.commit()
  } finally {
    transaction.rollback()
    await project.close()
  }
  const migration = await migrateAfterChange(location, folder, options.migrate)
  const names = staged.map(({ name }) => name)
  const shown = migration.isDone
    ? (await detailsOf(location, loadPlugins(folder))).filter(({ name }) => names.includes(name))
    : staged.map((plugin) => inPlace(plugin, transaction.path, folder.path))
  const plugins = shown.map((plugin) => {
    const previous = before.plugins.find(({ name, type }) => name === plugin.name && type !== 'bundled')
    return { ...plugin, previousVersion: previous?.version ?? null, wasLinked: previous?.type === 'link' }
  })
  return { folder, plugins, migration }
}

async function detailsOf(location: ProjectLocation, known: KnownPlugins): Promise<readonly PluginDetails[]> {
  const project = await openProject({ ...location, ...known })
  try {
    return (await listPlugins(project, known)).plugins
  } finally {
    await project.close()
  }
}

/** Refuses to replace a plugin that works by a version that does not. */
async function requireNoRegression(
  location: ProjectLocation,
  before: KnownPlugins,
  plugin: PluginDetails,
): Promise<void> {
  const [defect] = defectsOf(plugin)
  const isReplaced = before.plugins.some(({ name, type }) => name === plugin.name && type !== 'bundled')
  if (defect === undefined || !isReplaced) return
  const previous = (await detailsOf(location, before)).find(({ name }) => name === plugin.name)
  if (previous === undefined || defectsOf(previous).length > 0) return
  throw new OpsError(
    'PLUGIN_WORSE',
    `Kept ${plugin.name} ${previous.version}, because ${plugin.version} does not work: ${defect.message}`,
    {
      where: plugin.name,
      suggestions: [
        `install a version that works: ops plugins install ${plugin.name}@<version>`,
        'replace it anyway: --force',
      ],
    },
  )
}

/** A worker that does not find the plugin later can tell whether tasks wait for it. */
function saveTables(folder: string, staged: readonly PluginDetails[]): void {
  const { plugins } = readPluginList(folder)
  for (const { name, processors } of staged) {
    const listed = plugins.find((plugin) => plugin.name === name)
    const tables = processors.flatMap(({ table }) => table ?? [])
    if (listed && tables.length > 0) listPlugin(folder, { ...listed, tables })
  }
}

/** Replaces the path of the copy, which is gone, in every text. */
function inPlace(plugin: PluginDetails, copy: string, folder: string): PluginDetails {
  return JSON.parse(JSON.stringify(plugin), (_, value) =>
    typeof value === 'string' ? value.replaceAll(copy, folder) : value,
  )
}

async function migrateAfterChange(
  location: ProjectLocation,
  folder: PluginFolder,
  isWanted: boolean,
): Promise<MigrationAfterChange> {
  const project = await openProject({ ...location, ...loadPlugins(folder) })
  try {
    const { steps, errors } = await migrateProject(project, { check: !isWanted })
    return {
      isDue: !isWanted && steps.length > 0,
      isDone: isWanted && steps.length > 0,
      problems: isWanted ? errors.map((error) => toProblem(error)) : [],
    }
  } catch (error) {
    if (isWanted) throw error
    // The plugin is installed; `ops migrate` will report the database.
    return { isDue: true, isDone: false, problems: [] }
  } finally {
    await project.close()
  }
}
