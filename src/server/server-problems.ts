import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import type { Project } from '../project/open-project.ts'
import { isAccount, mayRead } from '../systemd/accounts.ts'
import type { Manifest } from '../systemd/manifest.ts'
import type { UnitCheck } from './exposure.ts'
import { unitName } from './render-units.ts'
import { isInside } from './server-database.ts'
import type { ServerSetup } from './server-setup.ts'

/** The oldest whose directives the templates use, and in which the units were proved. */
export const OLDEST_SYSTEMD = 252

interface Circumstances {
  readonly setup: ServerSetup
  readonly manifest: Manifest | undefined
  /** Undefined where none was asked, or none answers. */
  readonly systemdVersion: number | undefined
  /** The user of the units; undefined while there is none of that name. */
  readonly account: { readonly uid: number } | undefined
  readonly prefix: string | undefined
}

/** What on this machine would not do, found out before systemd does; in sentences. */
export async function serverProblems(here: Circumstances): Promise<string[]> {
  const { systemdVersion } = here
  const tooOld =
    systemdVersion !== undefined && systemdVersion < OLDEST_SYSTEMD
      ? [`systemd ${systemdVersion} answers here, and the units need ${OLDEST_SYSTEMD} or newer.`]
      : []
  return [...tooOld, ...otherProject(here), ...userScopeProblems(here.setup), ...(await placeProblems(here))]
}

/** The manifest is found by the name, and two projects can have the same. */
function otherProject({ setup, manifest }: Circumstances): string[] {
  if (manifest === undefined || !existsSync(manifest.directory)) return []
  if (realpathSync(manifest.directory) === realOf(setup.directory)) return []
  return [
    `"${setup.project}" is installed from ${manifest.directory} already: give this project another name in its configuration, or uninstall that one first.`,
  ]
}

/** A user's systemd can neither become somebody else nor give a right that the user has not. */
function userScopeProblems({ scope, services, worker }: ServerSetup): string[] {
  if (scope === 'system') return []
  const all = [
    ...services.map(({ planned, allow }) => ({ path: `services.${planned.name}`, allow, port: planned.port })),
    { path: 'worker', allow: worker.allow, port: undefined },
  ]
  return all.flatMap(({ path, allow, port }) => [
    ...(allow.user === undefined ? [] : [`${path}.allow.user: units of a user run as that user.`]),
    ...(allow.capabilities?.length ? [`${path}.allow.capabilities: units of a user can be given none.`] : []),
    ...(port !== undefined && port < 1024 ? [`${path}.port: units of a user cannot have a port below 1024.`] : []),
  ])
}

async function placeProblems({ setup, manifest, account, prefix }: Circumstances): Promise<string[]> {
  const { places, user, scope, directory, ops, node, homePaths, pluginRoots } = setup
  if (prefix !== undefined || scope === 'user' || user === undefined) return []
  const problems: string[] = []
  if (manifest === undefined) {
    // systemd gives a StateDirectory= to the user of the unit with all that is in it.
    for (const place of [places.state, places.cache]) {
      if (!(await isOthers(place, account?.uid))) continue
      problems.push(`${place} belongs to something else: give the project another name in its configuration.`)
    }
  }
  const needed = [...new Set([directory, ops, node, ...pluginRoots])]
  for (const path of needed.filter(isTemporary)) {
    problems.push(`${path} is where each unit has a folder of its own, and would not be seen: put it elsewhere.`)
  }
  if (process.getuid?.() !== 0 || account === undefined) return problems
  for (const path of needed) {
    // What is shown of a home is shown past the rights of the folders above it.
    if (homePaths.some((home) => path === home || isInside(path, home)) || !existsSync(path)) continue
    if (!(await mayRead(user, path))) problems.push(`The user "${user}" cannot read ${path}.`)
  }
  return problems
}

/** PrivateTmp= takes these away. */
function isTemporary(path: string): boolean {
  return ['/tmp', '/var/tmp'].some((folder) => isInside(path, folder))
}

/** What is left of an earlier installation whose user is gone belongs to nobody, and so to the project. */
async function isOthers(folder: string, uid: number | undefined): Promise<boolean> {
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (stat === undefined || stat.uid === uid || readdirSync(folder).length === 0) return false
  return isAccount(stat.uid)
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** What systemd itself has against the units, and what the configuration's budget has. */
export function checkProblems(
  checks: readonly UnitCheck[] | undefined,
  { config }: Pick<Project, 'config'>,
  setup: ServerSetup,
): string[] {
  const { worker = 1.5, services = 2.5 } = config.systemd?.maxExposure ?? {}
  return (checks ?? []).flatMap(({ file, exposure = 0, complaints, remaining }) => {
    const service = setup.services.find(({ planned }) => unitName(setup, planned.name) === file)
    const [budget, key] = service === undefined ? [worker, 'worker'] : [services, 'services']
    const said = complaints.map((line) => `systemd does not take ${file}: ${line}`)
    if (setup.scope === 'user' || exposure <= budget) return said
    const reasons = remaining.slice(0, 3).map(({ points, what }) => `${points} ${what}`)
    const { capabilities = [] } = (service ?? setup.worker).allow
    const opened = capabilities.length === 0 ? '' : ` It is opened by allow.capabilities: ${capabilities.join(', ')}.`
    return [
      ...said,
      `${file} would be exposed by ${exposure}, and ${budget} is allowed (systemd.maxExposure.${key}).${opened} Most of it: ${reasons.join('; ')}.`,
    ]
  })
}
