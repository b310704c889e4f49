import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { OpsError } from '../errors.ts'
import { readDatabaseUrl } from './environment-file.ts'
import { placesOf } from './places.ts'

/** What was installed. A file belongs to ops only if it is listed here and has the mark. */
export interface Manifest {
  readonly format: 1
  readonly project: string
  /** The project's folder, by which ops finds the state when it runs there. */
  readonly directory: string
  readonly version: string
  readonly files: readonly InstalledFile[]
  /** What systemd started, in order. */
  readonly units: readonly string[]
  /** The settings with which each unit was last started. */
  readonly hashes: Readonly<Record<string, string>>
  readonly state: string
  /** The URL of a database file; one that can have a password is in the environment files alone. */
  readonly database?: string | undefined
  /** The URL came from the environment of an installation, and is kept in the environment files. */
  readonly databaseGiven?: boolean | undefined
  /** The user that ops created for the units. */
  readonly createdUser?: string | undefined
  /** The user for whom ops turned lingering on. */
  readonly lingering?: string | undefined
  /** The folder into which node was copied. */
  readonly copiedNode?: string | undefined
}

export interface InstalledFile {
  readonly path: string
  readonly kind: 'unit' | 'environment'
}

export function manifestPath(settings: string): string {
  return join(settings, 'manifest.json')
}

/** Undefined where nothing is installed. */
export function readManifest(path: string): Manifest | undefined {
  const text = readIfExists(path)
  if (text === undefined) return undefined
  const manifest = JSON.parse(text) as Manifest
  if (manifest.format === 1) return manifest
  throw new OpsError('UNKNOWN_MANIFEST', `${path} was written by another version of ops.`, {
    suggestions: ['uninstall with that version first: ops uninstall-systemd'],
  })
}

/** Whether a file carries the mark of the project. */
export function hasMark(content: string, project: string): boolean {
  return content.split('\n').some((line) => line.replace(/^# /, '') === `X-Ops-Project=${project}`)
}

export function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export interface InstalledState {
  readonly stateDirectory: string
  /** The database of the units; undefined where this user cannot read the URL and the configuration has it. */
  readonly databaseUrl: string | undefined
}

/**
 * Where a project that is installed on this machine has its state, so that `ops tasks` in its folder shows the tasks of
 * the units, and not a database that no worker uses. Undefined where it is not installed.
 */
export function installedState(
  project: string,
  { directory, env }: { directory: string; env: NodeJS.ProcessEnv },
): InstalledState | undefined {
  for (const scope of ['system', 'user'] as const) {
    const { settings } = placesOf({ project, scope, env })
    const manifest = readManifest(manifestPath(settings))
    if (manifest === undefined || !isInstalledFrom(manifest, directory)) continue
    return { stateDirectory: manifest.state, databaseUrl: manifest.database ?? readDatabaseUrl(settings) }
  }
  return undefined
}

function isInstalledFrom({ directory }: Manifest, folder: string): boolean {
  try {
    return realpathSync(directory) === folder
  } catch {
    return false
  }
}
