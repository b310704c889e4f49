import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What was installed: the only thing by which files are known to be ours, together with the mark in each. */
export interface Manifest {
  readonly format: 1
  readonly project: string
  /** The project's folder, by which ops finds its state when it is called there. */
  readonly directory: string
  readonly version: string
  readonly files: readonly InstalledFile[]
  /** What systemd started, in order. */
  readonly units: readonly string[]
  /** The settings with which each was started last. */
  readonly hashes: Readonly<Record<string, string>>
  readonly state: string
  /** The URL of a database that is a file; one with a password in it is in the environment files alone. */
  readonly database?: string | undefined
  /** The URL came from the environment of an installation, and is kept in the environment files. */
  readonly databaseGiven?: boolean | undefined
  /** The user that was made for it. */
  readonly createdUser?: string | undefined
  /** The user whose units were made to outlive his logout, by us and not before us. */
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

/** Undefined where nothing was installed. */
export function readManifest(path: string): Manifest | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const manifest = JSON.parse(text) as Manifest
  if (manifest.format !== 1)
    throw new Error(`${path} is of another version of ops, which has to remove what it installed`)
  return manifest
}

/** Whether a file says itself that it belongs to the project. */
export function hasMark(content: string, project: string): boolean {
  return content.split('\n').some((line) => line.replace(/^# /, '') === `X-Ops-Project=${project}`)
}
