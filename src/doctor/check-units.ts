import { toProblem } from '../errors.ts'
import { formatCount } from '../format.ts'
import type { Project } from '../project/open-project.ts'
import { type Check, failed, passed, skipped } from '../queue/check.ts'
import { type InstallOptions, planInstallation } from '../server/install-systemd.ts'
import { projectName } from '../server/server-paths.ts'
import { type Manifest, manifestPath, readManifest } from '../systemd/manifest.ts'
import { placesOf, type Scope } from '../systemd/places.ts'
import { Systemctl } from '../systemd/systemctl.ts'

/** The options of an installation that do not depend on its scope. */
export type UnitOptions = Omit<InstallOptions, 'scope' | 'prefix' | 'createUser' | 'copyNode'>

interface UnitChecks {
  /** Of the installations on this machine. */
  readonly manifests: readonly Manifest[]
  readonly checks: readonly Check[]
}

/** Checks whether the installed units match the configuration and are up. */
export async function checkUnits(project: Project, options: UnitOptions): Promise<UnitChecks> {
  const manifests: Manifest[] = []
  const checks: Check[] = []
  for (const scope of ['system', 'user'] as const) {
    const name = scope === 'system' ? 'units' : 'user units'
    try {
      const systemdVersion = await new Systemctl(scope).version()
      const { settings } = placesOf({ project: projectName(project, options), scope, env: options.env, systemdVersion })
      const manifest = readManifest(manifestPath(settings))
      if (manifest === undefined) continue
      manifests.push(manifest)
      if (systemdVersion === undefined) checks.push(skipped(name, 'installed, but systemd does not answer'))
      else checks.push(...(await checkDrift(name, project, { ...options, scope })))
    } catch (error) {
      checks.push(failed(name, toProblem(error)))
    }
  }
  if (checks.length === 0) checks.push(skipped('units', 'none installed'))
  return { manifests, checks }
}

async function checkDrift(name: string, project: Project, options: UnitOptions & { scope: Scope }): Promise<Check[]> {
  const { plan } = await planInstallation(project, {
    ...options,
    prefix: undefined,
    createUser: false,
    copyNode: false,
  })
  const faults = plan.drift.filter(({ severity }) => severity === 'error')
  const suggestion = `review the plan and apply it: ops install-systemd${options.scope === 'user' ? ' --user' : ''}`
  return [
    ...(faults.length > 0
      ? faults.map((problem) => failed(name, { ...problem, suggestions: [suggestion] }))
      : [passed(name, `${formatCount(plan.units.length, 'unit')} of ${plan.target} up and as configured`)]),
    // A drop-in is meant to differ, and no plan would remove it.
    ...plan.drift.filter((problem) => !faults.includes(problem)).map(({ message }) => passed(name, message)),
  ]
}
