import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from './processor-registry.ts'

/** The folder of the package, from the sources and from what is compiled alike. */
export const packageRoot = dirname(dirname(import.meta.dirname))

/** The plugins that come with ops. */
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
