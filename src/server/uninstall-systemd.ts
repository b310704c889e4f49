import { rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { OpsError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { setLingering } from '../systemd/accounts.ts'
import { hasMark, type Manifest, manifestPath, readIfExists, readManifest } from '../systemd/manifest.ts'
import { placesOf, type Scope } from '../systemd/places.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import { changeUnit, type OnInstallEvent } from './change-unit.ts'
import { removeIfEmpty } from './preparations.ts'
import { projectName, type StartOptions } from './server-paths.ts'

/** A planned removal. */
export interface Removal {
  readonly manifest: Manifest
  readonly manifestPath: string
  readonly units: readonly string[]
  readonly files: readonly string[]
  /** Files of the manifest that no longer have the mark of ops. */
  readonly kept: readonly string[]
  readonly systemctl: Systemctl
  readonly hasSystemd: boolean
}

interface RemovalOptions extends StartOptions {
  readonly scope: Scope
  readonly prefix?: string | undefined
}

/** @throws OpsError `NOT_INSTALLED` */
export async function planRemoval(project: Project, options: RemovalOptions): Promise<Removal> {
  const { scope, env, prefix = '' } = options
  const systemctl = new Systemctl(scope)
  const systemdVersion = prefix === '' ? await systemctl.version() : undefined
  const name = projectName(project, options)
  const path = prefix + manifestPath(placesOf({ project: name, scope, env, systemdVersion }).settings)
  const manifest = readManifest(path)
  if (manifest === undefined) throw new OpsError('NOT_INSTALLED', `"${name}" is not installed: ${path} not found.`)
  const existing = manifest.files.flatMap((file) => {
    const content = readIfExists(prefix + file.path)
    return content === undefined ? [] : [{ file: prefix + file.path, isOurs: hasMark(content, manifest.project) }]
  })
  return {
    manifest,
    manifestPath: path,
    units: manifest.units.toReversed(),
    files: existing.filter(({ isOurs }) => isOurs).map(({ file }) => file),
    kept: existing.filter(({ isOurs }) => !isOurs).map(({ file }) => file),
    systemctl,
    hasSystemd: systemdVersion !== undefined,
  }
}

/** Removes what was installed. The database, the state and the user that owns it stay. */
export async function uninstall(
  { manifest, manifestPath: path, units, files, systemctl, hasSystemd }: Removal,
  onEvent: OnInstallEvent,
): Promise<void> {
  if (hasSystemd) {
    await systemctl.tryRun('disable', `${manifest.project}.target`)
    for (const unit of units) {
      await changeUnit({ unit, change: 'stop', reason: undefined, hash: undefined }, systemctl, onEvent)
    }
    await systemctl.tryRun('reset-failed', ...units)
    await systemctl.tryRun('clean', '--what=cache', ...units.filter((unit) => unit.endsWith('.service')))
  }
  for (const file of files) rmSync(file, { force: true })
  if (hasSystemd) {
    await systemctl.tryRun('daemon-reload')
    // systemd remembers a unit that failed even when its file is gone.
    await systemctl.tryRun('reset-failed', ...units)
  }
  if (manifest.copiedNode !== undefined) {
    rmSync(manifest.copiedNode, { recursive: true, force: true })
    removeIfEmpty(dirname(manifest.copiedNode))
  }
  if (manifest.lingering !== undefined) await setLingering(manifest.lingering, false)
  rmSync(path, { force: true })
  removeIfEmpty(dirname(path))
  if (basename(dirname(dirname(path))) === 'ops') removeIfEmpty(dirname(dirname(path)))
}
