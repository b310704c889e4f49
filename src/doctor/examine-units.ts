import type { Project } from '../project/open-project.ts'
import type { Finding } from '../queue/finding.ts'
import { type InstallOptions, planInstallation } from '../server/install-systemd.ts'
import { projectName } from '../server/server-names.ts'
import { type Manifest, manifestPath, readManifest } from '../systemd/manifest.ts'
import type { Scope } from '../systemd/places.ts'
import { placesOf } from '../systemd/places.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import { attempt } from './attempt.ts'

/** What an installation would be asked for. */
export type UnitsAsked = Omit<InstallOptions, 'scope' | 'prefix' | 'createUser' | 'copyNode'>

interface Units {
  /** Of what is installed on this machine. */
  readonly manifests: readonly Manifest[]
  readonly findings: readonly Finding[]
}

/** Whether what is installed here is what the configuration says, and up. */
export async function examineUnits(project: Project, asked: UnitsAsked): Promise<Units> {
  const manifests: Manifest[] = []
  const findings: Finding[] = []
  for (const scope of ['system', 'user'] as const) {
    const name = scope === 'system' ? 'units' : 'user units'
    findings.push(
      ...(await attempt(name, async () => {
        const systemdVersion = await new Systemctl(scope).version()
        const { settings } = placesOf({ project: projectName(project, asked), scope, env: asked.env, systemdVersion })
        const manifest = readManifest(manifestPath(settings))
        if (manifest === undefined) return []
        manifests.push(manifest)
        if (systemdVersion === undefined) {
          return [{ name, status: 'skipped', found: 'they are installed, and no systemd answers here' }]
        }
        return [await drift(name, project, { ...asked, scope })]
      })),
    )
  }
  if (findings.length === 0) findings.push({ name: 'units', status: 'skipped', found: 'none are installed here' })
  return { manifests, findings }
}

async function drift(name: string, project: Project, asked: UnitsAsked & { readonly scope: Scope }): Promise<Finding> {
  const options = { ...asked, prefix: undefined, createUser: false, copyNode: false }
  const { plan } = await planInstallation(project, options)
  if (plan.drift.length === 0) {
    return { name, status: 'ok', found: `${plan.units.length} of ${plan.target}, as configured and up` }
  }
  return {
    name,
    status: 'problem',
    found: plan.drift.join('; '),
    remedy: `see what changes, then let it: ops install-systemd${asked.scope === 'user' ? ' --user' : ''}`,
  }
}
