import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { opsManifest, opsRoot } from './developed-with.ts'

const CORE = '@ops-cli/core'

/**
 * How the package.json of a new plugin names the ops that it is developed with: by its version where this one came from
 * a registry, and otherwise by its folder, which is the only place where npm finds it.
 *
 * @param plugin the folder of the plugin
 * @param root of ops
 */
export function coreDependency(plugin: string, root = opsRoot): string {
  if (isFromRegistry(root)) return `^${opsManifest().version}`
  const around = root.split(`${sep}node_modules${sep}`)[0]!
  const isBelow = around !== root && plugin.startsWith(`${around}${sep}`)
  // Both move together then, and others who have the project have it elsewhere.
  return `file:${isBelow ? relative(plugin, root) : root}`
}

/** As npm wrote it down when it installed ops. */
function isFromRegistry(root: string): boolean {
  const modules = dirname(dirname(root))
  const file = join(modules, '.package-lock.json')
  if (basename(modules) !== 'node_modules' || !existsSync(file)) return false
  try {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'))
    return /^https?:/.test(packages[`node_modules/${CORE}`].resolved)
  } catch {
    return false
  }
}
