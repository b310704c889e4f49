import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { type Manifest, manifestPath, readManifest } from './manifest.ts'
import { placesOf } from './places.ts'

export interface InstalledState {
  readonly stateDirectory: string
  /** What the units work on; undefined where this user may not read it and the configuration says it. */
  readonly databaseUrl: string | undefined
}

/**
 * Where a project that is installed on this machine has its state, so that `ops tasks` in its folder speaks of the tasks
 * of the units, and not of a database that nobody works on. Undefined where it is not installed.
 */
export function installedState(
  project: string,
  { directory, env }: { directory: string; env: NodeJS.ProcessEnv },
): InstalledState | undefined {
  for (const scope of ['system', 'user'] as const) {
    const { settings } = placesOf({ project, scope, env })
    const manifest = readManifest(manifestPath(settings))
    if (manifest === undefined || !isOf(manifest, directory)) continue
    return { stateDirectory: manifest.state, databaseUrl: manifest.database ?? urlIn(join(settings, 'worker.env')) }
  }
  return undefined
}

/** The URL in the file of the units, which only root and their group read. */
export function urlIn(file: string): string | undefined {
  try {
    const line = /^OPS_DATABASE_URL="(.*)"$/m.exec(readFileSync(file, 'utf8'))
    return line?.[1]?.replaceAll(/\\(["\\$`])/g, '$1')
  } catch {
    return undefined
  }
}

function isOf({ directory }: Manifest, here: string): boolean {
  try {
    return realpathSync(directory) === here
  } catch {
    return false
  }
}
