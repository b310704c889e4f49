import { findListed } from '../plugins/find-listed.ts'
import { uninstallPlugins } from '../plugins/install-plugins.ts'
import { PluginChange } from '../plugins/plugin-change.ts'
import { findPluginFolder } from '../plugins/plugin-folder.ts'
import { readPluginList, unlistPlugin } from '../plugins/plugin-list.ts'
import type { Place } from './known-plugins.ts'

export interface RemovedPlugin {
  readonly name: string
  /** Its task tables, which stay in the database. */
  readonly tables: readonly string[]
}

/**
 * Takes plugins away, linked ones too. Nothing is fetched, and nothing of theirs is imported, so this works for one that
 * is broken, under a configuration that is broken.
 *
 * @throws PluginNotInstalledError
 */
export async function removePlugins(place: Place, names: readonly string[]): Promise<RemovedPlugin[]> {
  const folder = findPluginFolder(place)
  const change = PluginChange.begin(folder.path)
  try {
    const { plugins, dependencies } = readPluginList(change.path)
    const removed = names.map((name) => findListed(plugins, name, 'installed or linked'))
    for (const { name } of removed) unlistPlugin(change.path, name)
    const installed = removed.filter(({ name }) => dependencies[name] !== undefined).map(({ name }) => name)
    if (installed.length > 0) await uninstallPlugins(change.path, installed)
    change.commit()
    return removed.map(({ name, tables = [] }) => ({ name, tables }))
  } finally {
    change.abandon()
  }
}
