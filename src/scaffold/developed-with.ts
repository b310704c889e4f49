import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the package, from the sources and from what is compiled alike. */
export const opsRoot = join(import.meta.dirname, '..', '..')

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

export function opsManifest(): Manifest {
  return JSON.parse(readFileSync(join(opsRoot, 'package.json'), 'utf8'))
}

/** The version of a tool with which ops itself is developed, and so a plugin too. */
export function developedWith(tool: string): string {
  const version = opsManifest().devDependencies[tool]
  if (version === undefined) throw new Error(`ops is not developed with ${tool}`)
  return version
}
