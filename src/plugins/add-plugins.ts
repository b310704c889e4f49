import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { formatCommand } from '../format.ts'
import { checkAllowed } from './allow-list.ts'
import { type Beginning, type ChangeOptions, changePlugins, type PluginsChange } from './change-plugins.ts'
import { findListed } from './find-listed.ts'
import { type InstalledPlugin, installLocked, installPlugins } from './install-plugins.ts'
import type { Place } from './known-plugins.ts'
import { NothingToInstallError } from './plugin-errors.ts'
import { findPluginFolder } from './plugin-folder.ts'
import { type ListedPlugin, listPlugin, readPluginList } from './plugin-list.ts'
import { parsePluginSource } from './plugin-source.ts'

export interface AddOptions extends ChangeOptions {
  /** Lets packages run scripts of theirs while they are installed. */
  readonly allowScripts: boolean
}

export interface AddedPlugins extends PluginsChange {
  /** Plugins with scripts, their own or of what they depend on, that did not run. */
  readonly idleScripts: readonly string[]
}

/** Installs plugins by what was typed. Either all of them are there afterwards, or everything is as it was. */
export async function addPlugins(place: Place, texts: readonly string[], options: AddOptions): Promise<AddedPlugins> {
  const sources = texts.map((text) => parsePluginSource(text, place.cwd))
  let installed: readonly InstalledPlugin[] = []
  const change = await changePlugins(place, options, async (copy, { folder, config, directory }) => {
    for (const source of sources) checkAllowed(source, { allowed: config.pluginsAllow, directory })
    installed = await installPlugins(sources, { folder: copy, allowScripts: options.allowScripts })
    const before = readPluginList(copy).plugins
    for (const { name, spec } of installed) {
      // Where it cannot be loaded any more, tasks of the version before may still wait for it.
      const tables = before.find((plugin) => plugin.name === name)?.tables
      const listed = { name, type: 'user', spec: movable(spec, { folder, directory }) } as const
      listPlugin(copy, { ...listed, ...(tables && { tables }) })
    }
    return installed.map(({ name }) => name)
  })
  return { ...change, idleScripts: installed.filter(({ hasIdleScripts }) => hasIdleScripts).map(({ name }) => name) }
}

export interface UpdatedPlugins extends AddedPlugins {
  /** Those for which there is nothing newer. */
  readonly unchanged: readonly string[]
  /** Those whose tarball or folder is not there any more, which is as it should be on a server. */
  readonly passedOver: readonly { readonly name: string; readonly path: string }[]
}

/**
 * Fetches plugins anew by what they were installed by: a newer version, where what was asked for allows one.
 *
 * @param names all that are installed when there are none
 */
export async function updatePlugins(
  place: Place,
  names: readonly string[],
  options: AddOptions,
): Promise<UpdatedPlugins> {
  const { path } = findPluginFolder(place)
  const { plugins, dependencies } = readPluginList(path)
  const installed = plugins.filter(({ type }) => type === 'user')
  const chosen = names.length > 0 ? names.map((name) => findListed(installed, name, 'installed')) : installed
  if (chosen.length === 0) throw new NothingToInstallError(path)
  const specs = chosen.map((listed) => ({ name: listed.name, spec: specOf(path, listed, dependencies) }))
  const isGone = ({ spec }: { spec: string }) => spec.startsWith('/') && !existsSync(spec)
  const passedOver = names.length > 0 ? [] : specs.filter(isGone).map(({ name, spec }) => ({ name, path: spec }))
  const there = specs.filter(({ name }) => !passedOver.some((one) => one.name === name))
  const change = await addPlugins(
    place,
    there.map(({ spec }) => spec),
    options,
  )
  const now = readPluginList(path).dependencies
  const unchanged = there.map(({ name }) => name).filter((name) => now[name] === dependencies[name])
  return { ...change, unchanged, passedOver }
}

/** Installs exactly what the lock file says. */
export async function restorePlugins(place: Place, options: AddOptions): Promise<AddedPlugins> {
  const change = await changePlugins(
    place,
    { ...options, force: true },
    async (copy, { folder, config, directory }) => {
      const { plugins, dependencies } = readPluginList(copy)
      if (plugins.length === 0) throw new NothingToInstallError(folder.path)
      const installed = plugins.filter(({ type }) => type === 'user')
      for (const listed of installed) {
        const spec = specOf(folder.path, listed, dependencies)
        // A tarball or a folder need not be here, where its copy is.
        if (!spec.startsWith('/'))
          checkAllowed(parsePluginSource(spec, folder.path), { allowed: config.pluginsAllow, directory })
      }
      if (installed.length > 0) await installLocked({ folder: copy, allowScripts: options.allowScripts })
      return plugins.map(({ name }) => name)
    },
  )
  return { ...change, idleScripts: [] }
}

function specOf(folder: string, { name, spec }: ListedPlugin, dependencies: Readonly<Record<string, string>>): string {
  if (spec === undefined) return `${name}@${dependencies[name] ?? 'latest'}`
  return spec.startsWith('.') ? resolve(folder, spec) : spec
}

/** The command that brings a plugin of the list there again. */
export function wayBack(folder: string, plugin: ListedPlugin, dependencies: Readonly<Record<string, string>>): string {
  if (plugin.type === 'link' && plugin.root !== undefined) {
    return formatCommand('ops', 'plugins', 'link', resolve(folder, plugin.root))
  }
  return formatCommand('ops', 'plugins', 'install', specOf(folder, plugin, dependencies))
}

/** A path inside the project is kept from the folder of the list, so that the project may lie elsewhere tomorrow. */
export function movable(path: string, { folder, directory }: Pick<Beginning, 'folder' | 'directory'>): string {
  if (!path.startsWith('/') || folder.scope !== 'project') return path
  const isInside = !relative(directory, path).startsWith('..')
  return isInside ? relative(folder.path, path) : path
}
