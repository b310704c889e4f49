import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
import { formatCommand } from '../format.ts'
import { type ChangeContext, type ChangeOptions, changePlugins, type PluginsChange } from './change-plugins.ts'
import { findPluginFolder, type ProjectLocation } from './find-plugins.ts'
import {
  type InstalledPlugin,
  installLocked,
  installPlugins,
  isPlugin,
  lockedAddress,
  notAPlugin,
} from './install-plugins.ts'
import { findListed, type ListedPlugin, listPlugin, readPluginList } from './plugin-list.ts'
import { checkAllowed, checkLocked, invalidSource, parsePluginSource } from './plugin-source.ts'

export interface AddOptions extends ChangeOptions {
  /** Lets packages run their install scripts. */
  readonly allowScripts: boolean
}

export interface AddedPlugins extends PluginsChange {
  /** Plugins whose install scripts, their own or those of dependencies, did not run. */
  readonly skippedScripts: readonly string[]
}

/** Installs plugins from what the user typed: all of them, or none. */
export async function addPlugins(
  location: ProjectLocation,
  texts: readonly string[],
  options: AddOptions,
): Promise<AddedPlugins> {
  const sources = texts.map((text) => parsePluginSource(text, location.cwd))
  let installed: readonly InstalledPlugin[] = []
  const change = await changePlugins(location, options, async (copy, context) => {
    const { config, directory } = context
    for (const source of sources) checkAllowed(source, { allowed: config.pluginsAllow, directory })
    installed = await installPlugins(sources, { folder: copy, allowScripts: options.allowScripts })
    const before = readPluginList(copy).plugins
    for (const { name, spec } of installed) {
      // Kept from the previous version, whose tasks may still be pending if the new one cannot be loaded.
      const tables = before.find((plugin) => plugin.name === name)?.tables
      const listed = { name, type: 'user', spec: relativeSpec(spec, context) } as const
      listPlugin(copy, { ...listed, ...(tables && { tables }) })
    }
    return installed.map(({ name }) => name)
  })
  const skippedScripts = installed.filter(({ hasSkippedScripts }) => hasSkippedScripts).map(({ name }) => name)
  return { ...change, skippedScripts }
}

export interface UpdatedPlugins extends AddedPlugins {
  /** Plugins that are up to date already. */
  readonly unchanged: readonly string[]
  /** Plugins whose tarball or folder is gone, as it may be on a server. */
  readonly skipped: readonly { readonly name: string; readonly path: string }[]
}

/**
 * Updates installed plugins within what was requested when they were installed.
 *
 * @param names all installed plugins if empty
 */
export async function updatePlugins(
  location: ProjectLocation,
  names: readonly string[],
  options: AddOptions,
): Promise<UpdatedPlugins> {
  const { path } = findPluginFolder(location)
  const { plugins, dependencies } = readPluginList(path)
  const installed = plugins.filter(({ type }) => type === 'user')
  const chosen = names.length > 0 ? names.map((name) => findListed(installed, name, 'installed')) : installed
  if (chosen.length === 0) throw nothingToInstall(path)
  const specs = chosen.map((listed) => ({ name: listed.name, spec: specOf(path, listed, dependencies) }))
  const isGone = ({ spec }: { spec: string }) => spec.startsWith('/') && !existsSync(spec)
  const skipped = names.length > 0 ? [] : specs.filter(isGone)
  const updated = specs.filter((one) => !skipped.includes(one))
  const change = await addPlugins(
    location,
    updated.map(({ spec }) => spec),
    options,
  )
  const now = readPluginList(path).dependencies
  const unchanged = updated.map(({ name }) => name).filter((name) => now[name] === dependencies[name])
  return { ...change, unchanged, skipped: skipped.map(({ name, spec }) => ({ name, path: spec })) }
}

/** Installs exactly the versions in the lock file. */
export async function restorePlugins(location: ProjectLocation, options: AddOptions): Promise<AddedPlugins> {
  const change = await changePlugins(location, { ...options, force: true }, async (copy, context) => {
    const { folder, config, directory } = context
    const { plugins, dependencies } = readPluginList(copy)
    if (plugins.length === 0) throw nothingToInstall(folder.path)
    const installed = plugins.filter(({ type }) => type === 'user')
    for (const listed of installed) {
      const spec = specOf(folder.path, listed, dependencies)
      // A tarball or a folder may be gone: its packed copy is in the plugin folder.
      if (spec.startsWith('/')) continue
      const source = parsePluginSource(spec, folder.path)
      checkAllowed(source, { allowed: config.pluginsAllow, directory })
      checkLocked(source, { name: listed.name, address: lockedAddress(copy, listed.name) }, config.pluginsAllow)
    }
    if (installed.length > 0) await installLocked({ folder: copy, allowScripts: options.allowScripts })
    return plugins.map(({ name }) => name)
  })
  return { ...change, skippedScripts: [] }
}

/** Uses a plugin from the folder where it is developed: it runs from its TypeScript sources, without a build. */
export async function linkPlugin(
  location: ProjectLocation,
  path: string,
  options: ChangeOptions,
): Promise<PluginsChange> {
  return changePlugins(location, options, async (copy, context) => {
    const { root, name } = readPackage(path, location.cwd)
    checkAllowed({ kind: 'folder', spec: root }, { allowed: context.config.pluginsAllow, directory: context.directory })
    // Needed again once it is unlinked.
    const { spec } = readPluginList(copy).plugins.find((plugin) => plugin.name === name) ?? {}
    listPlugin(copy, { name, type: 'link', root: relativeSpec(root, context), ...(spec !== undefined && { spec }) })
    return [name]
  })
}

/** The command that installs or links a listed plugin again. */
export function reinstallCommand(
  folder: string,
  plugin: ListedPlugin,
  dependencies: Readonly<Record<string, string>>,
): string {
  if (plugin.type === 'link' && plugin.root !== undefined)
    return formatCommand('ops', 'plugins', 'link', resolve(folder, plugin.root))
  return formatCommand('ops', 'plugins', 'install', specOf(folder, plugin, dependencies))
}

function specOf(folder: string, { name, spec }: ListedPlugin, dependencies: Readonly<Record<string, string>>): string {
  if (spec === undefined) return `${name}@${dependencies[name] ?? 'latest'}`
  return spec.startsWith('.') ? resolve(folder, spec) : spec
}

/** Paths inside the project are kept relative to the list, so that the project can move. */
function relativeSpec(spec: string, { folder, directory }: ChangeContext): string {
  if (!spec.startsWith('/') || folder.scope !== 'project') return spec
  const isInside = !relative(directory, spec).startsWith('..')
  return isInside ? relative(folder.path, spec) : spec
}

function nothingToInstall(folder: string): OpsError {
  return new OpsError('NOTHING_TO_INSTALL', `No plugins are listed in ${folder}.`, {
    exit: exitStatus.usage,
    suggestions: ['name one: ops plugins install <package, tarball, folder or repository>'],
  })
}

function readPackage(path: string, cwd: string): { root: string; name: string } {
  const root = resolve(cwd, path)
  const file = join(root, 'package.json')
  if (!existsSync(file)) throw invalidSource(path, `${file} does not exist`)
  let manifest: { name?: unknown }
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw invalidSource(path, `${file} is not valid JSON (${(error as Error).message})`)
  }
  const { name } = manifest
  if (typeof name !== 'string' || name === '') throw invalidSource(path, `${file} has no "name"`)
  if (!isPlugin(manifest)) throw notAPlugin(name, root)
  return { root: realpathSync(root), name }
}
