import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeJson } from '../platform/write-file.ts'
import { PluginListUnreadableError } from './plugin-errors.ts'

/** A plugin as the list has it. */
export interface ListedPlugin {
  readonly name: string
  readonly type: 'user' | 'link'
  /** Of one that is linked: where it is, from the folder of the list unless it is elsewhere altogether. */
  readonly root?: string
  /** Of one that is installed: what it was installed by, which an update fetches anew. */
  readonly spec?: string
  /** The task tables that it had when it was installed or linked. */
  readonly tables?: readonly string[]
}

/** The package.json of a plugin folder: npm keeps the dependencies, ops the rest. */
export interface PluginList {
  readonly plugins: readonly ListedPlugin[]
  readonly dependencies: Readonly<Record<string, string>>
}

interface Manifest {
  dependencies?: Record<string, string>
  oclif?: { plugins?: (string | ListedPlugin)[] }
  [key: string]: unknown
}

/** @throws PluginListUnreadableError */
export function readPluginList(folder: string): PluginList {
  const { dependencies = {}, oclif } = readManifest(folder)
  const plugins = (oclif?.plugins ?? []).map(
    (entry): ListedPlugin => (typeof entry === 'string' ? { name: entry, type: 'user' } : entry),
  )
  return { plugins, dependencies }
}

/** Puts a plugin into the list, in the place of one of the same name. */
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

/** Makes the folder where there is none, so that npm finds a package in it and does not look for one above. */
export function makePluginFolder(folder: string): void {
  mkdirSync(folder, { recursive: true })
  if (!existsSync(manifestOf(folder))) writePlugins(folder, [])
  // The list and the lock file are for the repository: with them a server gets the same versions.
  const ignored = join(folder, '.gitignore')
  if (!existsSync(ignored)) writeFileSync(ignored, 'node_modules/\n.changing/\n')
}

function writePlugins(folder: string, plugins: readonly ListedPlugin[]): void {
  const manifest = readManifest(folder)
  const sorted = [...plugins].sort((a, b) => a.name.localeCompare(b.name))
  writeJson(manifestOf(folder), { private: true, ...manifest, oclif: { schema: 1, plugins: sorted } })
}

function readManifest(folder: string): Manifest {
  let text: string
  try {
    text = readFileSync(manifestOf(folder), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new PluginListUnreadableError(manifestOf(folder), error as Error)
  }
  try {
    const value = JSON.parse(text)
    if (typeof value !== 'object' || value === null) throw new Error('it is no object')
    return value
  } catch (error) {
    throw new PluginListUnreadableError(manifestOf(folder), error as Error)
  }
}

function manifestOf(folder: string): string {
  return join(folder, 'package.json')
}
