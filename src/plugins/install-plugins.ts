import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OpsError } from '../errors.ts'
import { type FetchedPlugin, fetchPlugin } from './fetch-plugin.ts'
import { npm, npmError } from './npm.ts'
import { readPluginList } from './plugin-list.ts'
import type { PluginSource } from './plugin-source.ts'

export interface InstalledPlugin {
  readonly name: string
  readonly version: string
  readonly spec: string
  /** Whether install scripts, its own or those of dependencies, did not run. */
  readonly hasSkippedScripts: boolean
}

/**
 * Installs plugins into a folder that is not in use yet. Their scripts run only if allowed, and only after all of them
 * turn out to be plugins.
 */
export async function installPlugins(
  sources: readonly PluginSource[],
  options: { folder: string; allowScripts: boolean },
): Promise<InstalledPlugin[]> {
  if (sources.length === 0) return []
  const { folder, allowScripts } = options
  const fetched: FetchedPlugin[] = []
  for (const source of sources) fetched.push(await fetchPlugin(source, options))
  const specs = fetched.map(({ name, dependency }) => `${name}@${dependency}`)
  const label = fetched.map(({ source }) => source.spec).join(', ')
  const done = await npm(['install', ...specs], { cwd: folder, allowScripts: false })
  if (!done.isDone) throw npmError(label, done)
  for (const { name, source } of fetched) {
    if (!isPlugin(readManifest(folder, name))) throw notAPlugin(name, `"${source.spec}"`)
  }
  const withScripts = packagesWithScripts(folder)
  if (allowScripts && withScripts.length > 0) {
    const rebuilt = await npm(['rebuild'], { cwd: folder, allowScripts: true })
    if (!rebuilt.isDone) throw npmError(label, rebuilt)
  }
  removeUnusedTarballs(folder)
  return fetched.map(({ name, version, source }) => ({
    name,
    version,
    spec: source.spec,
    hasSkippedScripts: !allowScripts && withScripts.length > 0,
  }))
}

/** Where the lock file takes a plugin from. */
export function lockedAddress(folder: string, name: string): string | undefined {
  const file = join(folder, 'package-lock.json')
  if (!existsSync(file)) return undefined
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages?: Record<string, { resolved?: string }>
  }
  return packages[`node_modules/${name}`]?.resolved
}

/** Installs exactly the versions in the lock file. */
export async function installLocked(options: { folder: string; allowScripts: boolean }): Promise<void> {
  const done = await npm(['ci'], { cwd: options.folder, allowScripts: options.allowScripts })
  if (!done.isDone) throw npmError('the plugins in the lock file', done)
}

export async function uninstallPlugins(folder: string, names: readonly string[]): Promise<void> {
  const done = await npm(['uninstall', ...names], { cwd: folder, allowScripts: false })
  if (!done.isDone) throw npmError(names.join(', '), done)
  removeUnusedTarballs(folder)
}

/** Whether a package has processors or commands. */
export function isPlugin(manifest: object): boolean {
  const { ops, oclif } = manifest as { ops?: unknown; oclif?: { commands?: unknown; hooks?: unknown } }
  return isObject(ops) || (isObject(oclif) && (oclif.commands !== undefined || oclif.hooks !== undefined))
}

export function notAPlugin(name: string, source: string): OpsError {
  return new OpsError(
    'NO_PLUGIN',
    `${name} is not an ops plugin: its package.json has neither "ops" nor oclif commands. Nothing was changed.`,
    {
      where: name,
      suggestions: [
        `check that ${source} is the right package`,
        'declare its processors in package.json: "ops": { "api": 1, "processors": { … } }',
      ],
    },
  )
}

function isObject<Value>(value: Value): value is Value & object {
  return typeof value === 'object' && value !== null
}

function readManifest(folder: string, name: string): object {
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
}

function packagesWithScripts(folder: string): string[] {
  const file = join(folder, 'package-lock.json')
  if (!existsSync(file)) return []
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages?: Record<string, { hasInstallScript?: boolean }>
  }
  return Object.keys(packages).filter((path) => packages[path]!.hasInstallScript)
}

function removeUnusedTarballs(folder: string): void {
  const tarballs = join(folder, 'tarballs')
  if (!existsSync(tarballs)) return
  const used = Object.values(readPluginList(folder).dependencies).map((dependency) => basename(dependency))
  const kept = readdirSync(tarballs).filter((name) => used.includes(name))
  if (kept.length === 0) rmSync(tarballs, { recursive: true })
  else for (const name of readdirSync(tarballs)) if (!kept.includes(name)) rmSync(join(tarballs, name))
}
