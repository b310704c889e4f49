import { readFileSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Project } from '../project/open-project.ts'
import { setLingering } from '../systemd/lingering.ts'
import { hasMark, type Manifest, manifestPath, readManifest } from '../systemd/manifest.ts'
import type { Scope } from '../systemd/places.ts'
import { placesOf } from '../systemd/places.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import { NotInstalledError } from '../systemd/systemd-errors.ts'
import { changeUnit } from './change-unit.ts'
import type { InstallReport } from './install-report.ts'
import { projectName } from './server-names.ts'

/** What is to be removed, thought through and not begun. */
export interface Removal {
  readonly manifest: Manifest
  readonly manifestPath: string
  readonly units: readonly string[]
  readonly files: readonly string[]
  /** Files of the manifest that somebody has replaced by his own. */
  readonly kept: readonly string[]
  readonly systemctl: Systemctl
  readonly hasSystemd: boolean
}

/** @throws NotInstalledError */
export async function planRemoval(
  project: Project,
  {
    scope,
    env,
    cwd,
    configFlag,
    prefix = '',
  }: {
    readonly scope: Scope
    readonly env: NodeJS.ProcessEnv
    readonly cwd: string
    readonly configFlag: string | undefined
    readonly prefix?: string | undefined
  },
): Promise<Removal> {
  const systemctl = new Systemctl(scope)
  const systemdVersion = prefix === '' ? await systemctl.version() : undefined
  const name = projectName(project, { env, cwd, configFlag })
  const path = prefix + manifestPath(placesOf({ project: name, scope, env, systemdVersion }).settings)
  const manifest = readManifest(path)
  if (manifest === undefined) throw new NotInstalledError(name, path)
  const there = manifest.files.map((file) => prefix + file.path).filter((file) => textOf(file) !== undefined)
  const files = there.filter((file) => hasMark(textOf(file)!, manifest.project))
  return {
    manifest,
    manifestPath: path,
    units: manifest.units.toReversed(),
    files,
    kept: there.filter((file) => !files.includes(file)),
    systemctl,
    hasSystemd: systemdVersion !== undefined,
  }
}

/** Removes what was installed and nothing else: the database, the state and the user that owns it stay. */
export async function uninstall(
  { manifest, manifestPath: path, units, files, systemctl, hasSystemd }: Removal,
  report: InstallReport,
): Promise<void> {
  if (hasSystemd) {
    await systemctl.run('disable', `${manifest.project}.target`)
    for (const unit of units)
      await changeUnit({ unit, change: 'stop', because: '', hash: undefined }, systemctl, report)
    await systemctl.run('reset-failed', ...units)
    // Compiled code is of no use to anybody else.
    await systemctl.run('clean', '--what=cache', ...units.filter((unit) => unit.endsWith('.service')))
  }
  for (const file of files) rmSync(file, { force: true })
  if (hasSystemd) {
    await systemctl.run('daemon-reload')
    // Else systemd remembers a unit that failed, though its file is gone.
    await systemctl.run('reset-failed', ...units)
  }
  if (manifest.copiedNode !== undefined) {
    rmSync(manifest.copiedNode, { recursive: true, force: true })
    removeEmpty(dirname(manifest.copiedNode))
  }
  if (manifest.lingering !== undefined) await setLingering(manifest.lingering, false)
  rmSync(path, { force: true })
  removeEmpty(dirname(path))
  if (basename(dirname(dirname(path))) === 'ops') removeEmpty(dirname(dirname(path)))
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody else has something in it.
  }
}
