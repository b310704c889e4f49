import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { formatSystemError } from '../format.ts'
import { writeJson } from '../platform/write-file.ts'
import { shortName } from '../processor/processor-registry.ts'

export interface ListedPlugin {
  readonly name: string
  readonly type: 'user' | 'link'
  /** The folder of a linked plugin; relative to the folder of the list if it is inside the project. */
  readonly root?: string
  /** What an installed plugin was installed from; updates use it again. */
  readonly spec?: string
  /** The task tables that it had when it was installed or linked. */
  readonly tables?: readonly string[]
}

/** The package.json of a plugin folder: npm maintains the dependencies, ops the rest. */
export interface PluginList {
  readonly plugins: readonly ListedPlugin[]
  readonly dependencies: Readonly<Record<string, string>>
}

interface Manifest {
  dependencies?: Record<string, string>
  oclif?: { plugins?: (string | ListedPlugin)[] }
  [key: string]: unknown
}

/** @throws OpsError with the code PLUGIN_LIST_UNREADABLE */
export function readPluginList(folder: string): PluginList {
  const { dependencies = {}, oclif } = readManifest(folder)
  const plugins = (oclif?.plugins ?? []).map(
    (entry): ListedPlugin => (typeof entry === 'string' ? { name: entry, type: 'user' } : entry),
  )
  return { plugins, dependencies }
}

/**
 * Finds a plugin by its name or short name.
 *
 * @param what it must be, for the error: `installed`, `linked`
 * @throws OpsError with the code PLUGIN_NOT_INSTALLED
 */
export function findListed<Listed extends Pick<ListedPlugin, 'name'>>(
  plugins: readonly Listed[],
  name: string,
  what: string,
): Listed {
  const found = plugins.find((one) => one.name === name) ?? plugins.find((one) => shortName(one.name) === name)
  if (found) return found
  const known = plugins.map((one) => one.name)
  const sentence = `No plugin named "${name}" is ${what}.`
  throw new OpsError('PLUGIN_NOT_INSTALLED', didYouMean(sentence, name, [...known, ...known.map(shortName)]), {
    exit: exitStatus.usage,
    suggestions: [known.length > 0 ? `use one of: ${known.join(', ')}` : 'list all plugins: ops plugins'],
  })
}

/** Adds a plugin to the list, or replaces the one of the same name. */
export function listPlugin(folder: string, plugin: ListedPlugin): void {
  const others = readPluginList(folder).plugins.filter(({ name }) => name !== plugin.name)
  writePlugins(folder, [...others, plugin])
}

export function unlistPlugin(folder: string, name: string): void {
  writePlugins(
    folder,
    readPluginList(folder).plugins.filter((plugin) => plugin.name !== name),
  )
}

/** Creates the folder if needed, with a package.json: without one, npm would use that of a parent folder. */
export function createPluginFolder(folder: string): void {
  mkdirSync(folder, { recursive: true })
  if (!existsSync(manifestOf(folder))) writePlugins(folder, [])
  // The list and the lock file belong in the repository: a server installs the same versions with them.
  const ignored = join(folder, '.gitignore')
  if (!existsSync(ignored)) writeFileSync(ignored, 'node_modules/\n.changing/\n')
}

function writePlugins(folder: string, plugins: readonly ListedPlugin[]): void {
  const manifest = readManifest(folder)
  const sorted = [...plugins].sort((a, b) => a.name.localeCompare(b.name))
  writeJson(manifestOf(folder), { private: true, ...manifest, oclif: { schema: 1, plugins: sorted } })
}

function readManifest(folder: string): Manifest {
  const file = manifestOf(folder)
  try {
    const value = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null) throw new Error('expected an object')
    return value
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new OpsError(
      'PLUGIN_LIST_UNREADABLE',
      `Cannot read the list of plugins, ${file}: ${formatSystemError(cause)}.`,
      { where: file, cause, suggestions: ['fix the file, or restore an earlier version'] },
    )
  }
}

function manifestOf(folder: string): string {
  return join(folder, 'package.json')
}
