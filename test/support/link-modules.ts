import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(dirname(import.meta.dirname))

/** Gives a folder some of the packages of this repository, as npm would install them there. */
export function linkModules(to: string, names: readonly string[]): void {
  for (const name of names) {
    const link = join(to, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }
}
