import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BrokenPlugin, Plugin } from '../processor/processor-registry.ts'
import { type ListedPlugin, readPluginList } from './plugin-list.ts'

/** The plugins of a folder, and those of its list that are not there as they should be. Imports nothing of them. */
export interface InstalledPlugins {
  readonly plugins: readonly Plugin[]
  readonly broken: readonly BrokenPlugin[]
}

/** @param base what the paths in the list are relative to, where that is another folder than the list's own */
export function installedPlugins(folder: string, base = folder): InstalledPlugins {
  let listed: readonly ListedPlugin[]
  try {
    listed = readPluginList(folder).plugins
  } catch (error) {
    // Other plugins, and what ops brings itself, need no list.
    const { message, suggestions } = error as Error & { suggestions: readonly string[] }
    return { plugins: [], broken: [{ plugin: undefined, problem: message, suggestion: suggestions[0]! }] }
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
  const broken = (problem: string, suggestion: string): BrokenPlugin => ({
    plugin: { name, version: '?', root, type, manifest: {}, tables },
    problem: `The plugin ${name} cannot be used: ${problem}.`,
    suggestion,
  })
  if (!existsSync(file)) {
    return type === 'link'
      ? broken(`it is linked to ${root}, where no package.json is`, `bring it back, or: ops plugins unlink ${name}`)
      : broken('it is listed and not installed', 'install what the lock file says: ops plugins install')
  }
  try {
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    return { name: manifest.name ?? name, version: manifest.version ?? '0.0.0', root, type, manifest, tables }
  } catch (error) {
    return broken(
      `${file} is no JSON (${(error as Error).message})`,
      `install it anew, or: ops plugins uninstall ${name}`,
    )
  }
}
