import { type Problem, toProblem } from '../errors.ts'
import { openProject } from '../project/open-project.ts'
import { orphanedTables, orphanedTasks, type PendingTasks, tablesOfPlugin } from '../project/orphaned-tasks.ts'
import { reinstallCommand } from './add-plugins.ts'
import {
  allPlugins,
  findPluginFolder,
  findPlugins,
  type KnownPlugins,
  loadPlugins,
  type ProjectLocation,
} from './find-plugins.ts'
import { uninstallPlugins } from './install-plugins.ts'
import { findListed, listPlugin, readPluginList, unlistPlugin } from './plugin-list.ts'
import { PluginTransaction } from './plugin-transaction.ts'

/** What is left in the database after a plugin is removed. */
interface Leftovers {
  /** Its task tables that no other plugin has. */
  readonly tables: readonly string[]
  readonly pending: readonly PendingTasks[]
  /** Why pending tasks cannot be counted; null if they can. */
  readonly problem: Problem | null
}

export interface RemovedPlugin extends Leftovers {
  readonly name: string
  /** Whether the bundled plugin of this name is active again. */
  readonly isBundled: boolean
  /** The command that brings the plugin back. */
  readonly reinstallCommand: string
}

export interface UnlinkedPlugin extends RemovedPlugin {
  /** The version that was installed before the link and is active again; null if there is none. */
  readonly installedVersion: string | null
}

/**
 * Uninstalls plugins, linked ones too. None of their code is imported, so it works for a broken plugin and with a broken
 * configuration.
 *
 * @throws OpsError with the code PLUGIN_NOT_INSTALLED
 */
export async function removePlugins(location: ProjectLocation, names: readonly string[]): Promise<RemovedPlugin[]> {
  const folder = findPluginFolder(location)
  const known = loadPlugins(folder)
  const transaction = PluginTransaction.begin(folder.path)
  try {
    const { plugins, dependencies } = readPluginList(transaction.path)
    const removed = names.map((name) => findListed(plugins, name, 'installed or linked'))
    for (const { name } of removed) unlistPlugin(transaction.path, name)
    const installed = removed.map(({ name }) => name).filter((name) => dependencies[name] !== undefined)
    if (installed.length > 0) await uninstallPlugins(transaction.path, installed)
    // Their migrations tell the tables, and are gone after the commit.
    const tables = new Map(removed.map(({ name }) => [name, tablesOf(name, known)]))
    transaction.commit()
    return await Promise.all(
      removed.map(async (listed) => ({
        name: listed.name,
        isBundled: isBundled(listed.name, known),
        reinstallCommand: reinstallCommand(folder.path, listed, dependencies),
        ...(await findLeftovers(location, tables.get(listed.name)!)),
      })),
    )
  } finally {
    transaction.rollback()
  }
}

/** @throws OpsError with the code PLUGIN_NOT_INSTALLED if it is not linked */
export async function unlinkPlugin(location: ProjectLocation, name: string): Promise<UnlinkedPlugin> {
  const folder = findPluginFolder(location)
  const known = loadPlugins(folder)
  const transaction = PluginTransaction.begin(folder.path)
  try {
    const { plugins, dependencies } = readPluginList(transaction.path)
    const links = plugins.filter(({ type }) => type === 'link')
    const linked = findListed(links, name, 'linked')
    const isInstalled = dependencies[linked.name] !== undefined
    if (isInstalled) {
      const { root: _, ...installed } = linked
      listPlugin(transaction.path, { ...installed, type: 'user' })
    } else unlistPlugin(transaction.path, linked.name)
    transaction.commit()
    const installed = allPlugins(loadPlugins(folder)).find((one) => one.name === linked.name && one.type === 'user')
    return {
      name: linked.name,
      installedVersion: isInstalled ? (installed?.version ?? '?') : null,
      isBundled: isBundled(linked.name, known),
      reinstallCommand: reinstallCommand(folder.path, linked, dependencies),
      ...(await findLeftovers(location, tablesOf(linked.name, known))),
    }
  } finally {
    transaction.rollback()
  }
}

function isBundled(name: string, { plugins }: KnownPlugins): boolean {
  return plugins.some((plugin) => plugin.name === name && plugin.type === 'bundled')
}

/** The task tables of a plugin, as far as its files and the list tell. None of its code is imported. */
function tablesOf(name: string, known: KnownPlugins): string[] {
  const copies = allPlugins(known).filter((plugin) => plugin.name === name)
  return [...new Set(copies.flatMap((plugin) => [...tablesOfPlugin(plugin)]))]
}

/** Runs after the removal, so that neither the database nor the configuration can prevent it. */
async function findLeftovers(location: ProjectLocation, tables: readonly string[]): Promise<Leftovers> {
  if (tables.length === 0) return { tables, pending: [], problem: null }
  try {
    const project = await openProject({ ...location, ...findPlugins(location) })
    try {
      if (!(await project.queue.exists())) return { tables: [], pending: [], problem: null }
      const pending = await orphanedTasks(project, tables)
      return { tables: await orphanedTables(project, tables), pending, problem: null }
    } finally {
      await project.close()
    }
  } catch (error) {
    return { tables, pending: [], problem: toProblem(error) }
  }
}
