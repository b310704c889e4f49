import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { findConfig, isNamed } from '../config/load-config.ts'
import { checkTrusted } from '../config/trusted-path.ts'
import { toProblem } from '../errors.ts'
import { type BrokenPlugin, brokenPlugin, type Plugin, removeSuggestion } from '../processor/processor-registry.ts'
import { type ListedPlugin, readPluginList } from './plugin-list.ts'

/** Where a command runs. The project is found from there, and its plugins with it. */
export interface ProjectLocation {
  readonly cwd: string
  /** `--config`. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/** Where plugins are kept: a package.json that lists them, its lock file, and node_modules. */
export interface PluginFolder {
  readonly path: string
  /** Whose plugins these are: the project's, the user's, or those in `OPS_DATA_DIR`. */
  readonly scope: 'project' | 'user' | 'environment'
}

export interface InstalledPlugins {
  readonly plugins: readonly Plugin[]
  /** Listed plugins whose package.json is missing or unreadable. */
  readonly broken: readonly BrokenPlugin[]
}

export interface KnownPlugins extends InstalledPlugins {
  readonly folder: PluginFolder
}

/** The folder of the ops package, whether it runs from sources or compiled. */
export const packageRoot = dirname(dirname(import.meta.dirname))

/** Every plugin that a command can use: the bundled ones, and those of the project or else of the user. */
export function findPlugins(location: ProjectLocation): KnownPlugins {
  return loadPlugins(findPluginFolder(location))
}

/** @param copy of the folder, to read from instead */
export function loadPlugins(folder: PluginFolder, copy = folder.path): KnownPlugins {
  const { plugins, broken } = installedPlugins(copy, folder.path)
  return { folder, plugins: [...bundledPlugins(), ...plugins], broken }
}

/** Including those that cannot be read. */
export function allPlugins({ plugins, broken }: InstalledPlugins): Plugin[] {
  return [...plugins, ...broken.flatMap(({ plugin }) => plugin ?? [])]
}

/**
 * Inside a project, which is a folder with a configuration, plugins belong to the project, so that its units on a server
 * see the same ones; elsewhere to the user. `OPS_DATA_DIR` wins.
 *
 * @throws OpsError CONFIGURATION_NOT_FOUND when the file of `--config` or `OPS_CONFIG` does not exist, UNTRUSTED_FOLDER
 *   when somebody else could have put plugins there
 */
export function findPluginFolder(location: ProjectLocation): PluginFolder {
  const { env } = location
  if (env.OPS_DATA_DIR) return { path: env.OPS_DATA_DIR, scope: 'environment' }
  const config = findConfig(location)
  if (config !== undefined) {
    const path = join(dirname(config), '.ops', 'plugins')
    if (!isNamed(location)) checkPluginFolder(path, env)
    return { path, scope: 'project' }
  }
  const home = env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local', 'share')
  return { path: join(home, 'ops'), scope: 'user' }
}

function checkPluginFolder(path: string, env: NodeJS.ProcessEnv): void {
  for (const one of [join(path, 'package.json'), join(path, 'node_modules')]) {
    if (existsSync(one)) checkTrusted(one, { what: 'plugin folder', env })
  }
}

export function bundledPlugins(): Plugin[] {
  const folder = join(packageRoot, 'plugins')
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((root) => existsSync(join(root, 'package.json')))
    .map((root) => {
      const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      return { name: manifest.name, version: manifest.version, root, type: 'bundled', manifest }
    })
}

/**
 * The plugins that the list of a folder names. None of their code is imported.
 *
 * @param base what relative paths in the list start from, if not the folder itself
 */
export function installedPlugins(folder: string, base = folder): InstalledPlugins {
  let listed: readonly ListedPlugin[]
  try {
    listed = readPluginList(folder).plugins
  } catch (error) {
    // Bundled plugins work without a list.
    return { plugins: [], broken: [{ plugin: undefined, problem: toProblem(error) }] }
  }
  const plugins: Plugin[] = []
  const broken: BrokenPlugin[] = []
  for (const one of listed) {
    const found = readPlugin({ folder, base }, one)
    if ('manifest' in found) plugins.push(found)
    else broken.push(found)
  }
  return { plugins, broken }
}

function readPlugin(
  { folder, base }: { folder: string; base: string },
  { name, type, root: linked, tables }: ListedPlugin,
): Plugin | BrokenPlugin {
  const root = type === 'link' && linked !== undefined ? resolve(base, linked) : join(folder, 'node_modules', name)
  const file = join(root, 'package.json')
  const broken = (why: string, suggestion: string): BrokenPlugin => {
    const plugin: Plugin = { name, version: '?', root, type, manifest: {}, tables }
    return brokenPlugin(plugin, `The plugin ${name} cannot be used: ${why}.`, [suggestion, ...removeSuggestion(plugin)])
  }
  if (!existsSync(file)) {
    return type === 'link'
      ? broken(`it is linked to ${root}, which has no package.json`, 'restore the folder')
      : broken('it is listed but not installed', 'install the versions in the lock file: ops plugins install')
  }
  try {
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    return { name: manifest.name ?? name, version: manifest.version ?? '0.0.0', root, type, manifest, tables }
  } catch (error) {
    return broken(`${file} is not valid JSON (${(error as Error).message})`, 'reinstall the plugin')
  }
}
