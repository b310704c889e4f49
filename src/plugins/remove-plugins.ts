import { wayBack } from './add-plugins.ts'
import { findListed } from './find-listed.ts'
import { uninstallPlugins } from './install-plugins.ts'
import { type Place, pluginsIn } from './known-plugins.ts'
import { type LeftBehind, leftBehind, tablesOfKnown } from './left-behind.ts'
import { PluginChange } from './plugin-change.ts'
import { findPluginFolder } from './plugin-folder.ts'
import { readPluginList, unlistPlugin } from './plugin-list.ts'

export interface RemovedPlugin extends LeftBehind {
  readonly name: string
  /** Whether one of its name comes with ops, which counts again. */
  readonly isBundled: boolean
  /** The command that brings it back. */
  readonly wayBack: string
}

/**
 * Takes plugins away, linked ones too. Nothing is fetched, and nothing of theirs is imported, so this works for one that
 * is broken, under a configuration that is broken.
 *
 * @throws PluginNotInstalledError
 */
export async function removePlugins(place: Place, names: readonly string[]): Promise<RemovedPlugin[]> {
  const folder = findPluginFolder(place)
  const known = pluginsIn(folder)
  const change = PluginChange.begin(folder.path)
  try {
    const { plugins, dependencies } = readPluginList(change.path)
    const removed = names
      .map((name) => findListed(plugins, name, 'installed or linked'))
      .map((listed) => ({ listed, tables: tablesOfKnown(listed.name, known) }))
    for (const { listed } of removed) unlistPlugin(change.path, listed.name)
    const installed = removed.map(({ listed }) => listed.name).filter((name) => dependencies[name] !== undefined)
    if (installed.length > 0) await uninstallPlugins(change.path, installed)
    change.commit()
    const gone = removed.map(async ({ listed, tables }) => ({
      name: listed.name,
      isBundled: known.plugins.some((plugin) => plugin.name === listed.name && plugin.type === 'bundled'),
      wayBack: wayBack(folder.path, listed, dependencies),
      ...(await leftBehind(place, tables)),
    }))
    return await Promise.all(gone)
  } finally {
    change.abandon()
  }
}
