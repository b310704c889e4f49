import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { movable, wayBack } from './add-plugins.ts'
import { checkAllowed } from './allow-list.ts'
import { type ChangeOptions, changePlugins, type PluginsChange } from './change-plugins.ts'
import { findListed } from './find-listed.ts'
import { isPlugin } from './install-plugins.ts'
import { everyPlugin, type Place, pluginsIn } from './known-plugins.ts'
import { type LeftBehind, leftBehind, tablesOfKnown } from './left-behind.ts'
import { PluginChange } from './plugin-change.ts'
import { NoPluginError, NoPluginSourceError } from './plugin-errors.ts'
import { findPluginFolder, type PluginFolder } from './plugin-folder.ts'
import { listPlugin, readPluginList, unlistPlugin } from './plugin-list.ts'

/** Uses a plugin from where it is written: its TypeScript sources, without a build. */
export async function linkPlugin(place: Place, path: string, options: ChangeOptions): Promise<PluginsChange> {
  return changePlugins(place, options, async (copy, { folder, config, directory }) => {
    const { root, name } = readPackage(path, place.cwd)
    checkAllowed({ kind: 'folder', spec: root }, { allowed: config.pluginsAllow, directory })
    // What it was installed by is kept, for when it is unlinked.
    const { spec } = readPluginList(copy).plugins.find((plugin) => plugin.name === name) ?? {}
    const kept = spec === undefined ? {} : { spec }
    listPlugin(copy, { name, type: 'link', root: movable(root, { folder, directory }), ...kept })
    return [name]
  })
}

export interface UnlinkedPlugin extends LeftBehind {
  readonly name: string
  /** That which was installed before and counts again; null where there is none. */
  readonly installedVersion: string | null
  /** Whether one of its name comes with ops. */
  readonly isBundled: boolean
  /** The command that brings it back. */
  readonly wayBack: string
}

/** @throws PluginNotInstalledError when it is not linked */
export async function unlinkPlugin(place: Place, name: string): Promise<UnlinkedPlugin> {
  const folder = findPluginFolder(place)
  const known = pluginsIn(folder)
  const change = PluginChange.begin(folder.path)
  try {
    const { plugins, dependencies } = readPluginList(change.path)
    const linked = findListed(
      plugins.filter(({ type }) => type === 'link'),
      name,
      'linked',
    )
    const isInstalled = dependencies[linked.name] !== undefined
    if (isInstalled) {
      const { root: _, ...installed } = linked
      listPlugin(change.path, { ...installed, type: 'user' })
    } else unlistPlugin(change.path, linked.name)
    change.commit()
    const isBundled = known.plugins.some((plugin) => plugin.name === linked.name && plugin.type === 'bundled')
    return {
      name: linked.name,
      installedVersion: isInstalled ? versionOf(folder, linked.name) : null,
      isBundled,
      wayBack: wayBack(folder.path, linked, dependencies),
      ...(await leftBehind(place, tablesOfKnown(linked.name, known))),
    }
  } finally {
    change.abandon()
  }
}

function versionOf(folder: PluginFolder, name: string): string {
  const all = everyPlugin(pluginsIn(folder))
  return all.find((plugin) => plugin.name === name && plugin.type === 'user')?.version ?? '?'
}

function readPackage(path: string, cwd: string): { root: string; name: string } {
  const root = resolve(cwd, path)
  const file = join(root, 'package.json')
  if (!existsSync(file)) throw new NoPluginSourceError(path, `there is no ${file}`)
  let manifest: { name?: unknown }
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new NoPluginSourceError(path, `${file} is no JSON (${(error as Error).message})`)
  }
  const { name } = manifest
  if (typeof name !== 'string' || name === '') throw new NoPluginSourceError(path, `${file} gives it no name`)
  if (!isPlugin(manifest)) throw new NoPluginError(name, root)
  return { root: realpathSync(root), name }
}
