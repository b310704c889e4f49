import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { OpsError, type Problem } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { canRead, isAccount } from '../systemd/accounts.ts'
import type { Manifest } from '../systemd/manifest.ts'
import type { UnitCheck } from './check-unit-files.ts'
import { unitName } from './render-units.ts'
import { isInHome, isInside } from './server-paths.ts'
import type { ServerSetup } from './server-setup.ts'

/** The oldest version that has all directives of the templates, and that the units are tested with. */
export const OLDEST_SYSTEMD = 252

interface Server {
  readonly setup: ServerSetup
  readonly manifest: Manifest | undefined
  /** Undefined where systemd does not answer, or was not asked. */
  readonly systemdVersion: number | undefined
  /** The user of the units; undefined if there is none with this name. */
  readonly account: { readonly uid: number } | undefined
  readonly prefix: string | undefined
}

export function installError(code: string, where: string, message: string, ...suggestions: string[]): Problem {
  return { code, severity: 'error', where, message, suggestions }
}

export function installWarning(code: string, where: string, message: string, ...suggestions: string[]): Problem {
  return { code, severity: 'warning', where, message, suggestions }
}

/** @throws OpsError `CANNOT_INSTALL` with every error at once */
export function requireInstallable(problems: readonly Problem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  const lines = errors.map(({ message }) => `  ${message}`)
  throw new OpsError('CANNOT_INSTALL', `The units cannot be installed:\n${lines.join('\n')}`, {
    suggestions: [...new Set(errors.flatMap(({ suggestions }) => suggestions)), 'show the whole plan: --dry-run'],
  })
}

/** What is wrong on this machine, found before systemd runs into it. */
export async function serverProblems(server: Server): Promise<Problem[]> {
  const { systemdVersion: version, setup } = server
  const problems = [...otherProject(server), ...userScopeProblems(setup), ...(await placeProblems(server))]
  if (setup.scope === 'system' && isInHome(setup.node)) {
    const message = `${setup.node}, the node that runs ops, is in a home, which units cannot see and whose owner may change it.`
    const suggestions = ['run ops with a node in /usr or /opt', 'copy this node: --copy-node']
    problems.unshift(installError('NODE_IN_HOME', setup.node, message, ...suggestions))
  }
  if (version !== undefined && version < OLDEST_SYSTEMD) {
    const message = `systemd ${version} is too old; the units need ${OLDEST_SYSTEMD} or newer.`
    problems.unshift(installError('SYSTEMD_TOO_OLD', 'systemd', message))
  }
  return problems
}

/** The manifest is found by the project's name, and two projects can have the same. */
function otherProject({ setup, manifest }: Server): Problem[] {
  if (manifest === undefined || !existsSync(manifest.directory)) return []
  if (realpathSync(manifest.directory) === realOf(setup.directory)) return []
  const message = `"${setup.project}" is already installed from ${manifest.directory}.`
  const suggestions = ['give this project another name in its configuration', 'uninstall the other project first']
  return [installError('NAME_TAKEN', setup.project, message, ...suggestions)]
}

/** A user's systemd can neither become another user nor grant what the user does not have. */
function userScopeProblems({ scope, services, worker }: ServerSetup): Problem[] {
  if (scope === 'system') return []
  const all = [
    ...services.map(({ planned, allow }) => ({ path: `services.${planned.name}`, allow, port: planned.port })),
    { path: 'worker', allow: worker.allow, port: undefined },
  ]
  const refused = (field: string, reason: string) => installError('NOT_FOR_USER_UNITS', field, `${field}: ${reason}`)
  return all.flatMap(({ path, allow, port }) => [
    ...(allow.user === undefined ? [] : [refused(`${path}.allow.user`, 'user units run as their own user.')]),
    ...(allow.capabilities?.length
      ? [refused(`${path}.allow.capabilities`, 'user units cannot have capabilities.')]
      : []),
    ...(port !== undefined && port < 1024 ? [refused(`${path}.port`, 'user units cannot use a port below 1024.')] : []),
  ])
}

async function placeProblems({ setup, manifest, account, prefix }: Server): Promise<Problem[]> {
  const { places, user, scope, directory, ops, node, homePaths, pluginRoots } = setup
  if (prefix !== undefined || scope === 'user' || user === undefined) return []
  const problems: Problem[] = []
  if (manifest === undefined) {
    // systemd gives a StateDirectory= to the user of the unit, with everything in it.
    for (const place of [places.state, places.cache]) {
      if (!(await isOfOtherUser(place, account?.uid))) continue
      const message = `${place} already exists and belongs to another user.`
      problems.push(installError('FOLDER_TAKEN', place, message, 'give the project another name in its configuration'))
    }
  }
  const needed = [...new Set([directory, ops, node, ...pluginRoots])]
  for (const path of needed.filter(isTemporary)) {
    const message = `${path} is in a temporary folder, which units cannot see: each has its own.`
    problems.push(installError('PATH_IN_TMP', path, message, 'move it elsewhere, such as to /srv'))
  }
  if (process.getuid?.() !== 0 || account === undefined) return problems
  for (const path of needed) {
    // What is bound from a home is visible whatever the permissions of the folders above it.
    if (homePaths.some((home) => path === home || isInside(path, home)) || !existsSync(path)) continue
    if (await canRead(user, path)) continue
    const message = `The user "${user}" cannot read ${path}.`
    problems.push(
      installError('PATH_UNREADABLE', path, message, 'allow it with chmod, and pass through the folders above it'),
    )
  }
  return problems
}

/** PrivateTmp= hides these. */
function isTemporary(path: string): boolean {
  return ['/tmp', '/var/tmp'].some((folder) => isInside(path, folder))
}

/** A folder whose user no longer exists is left from an earlier installation. */
async function isOfOtherUser(folder: string, uid: number | undefined): Promise<boolean> {
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (stat === undefined || stat.uid === uid || readdirSync(folder).length === 0) return false
  return isAccount(stat.uid)
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** What systemd finds wrong with the units, and which of them exceed the exposure that the configuration allows. */
export function unitProblems(
  checks: readonly UnitCheck[] | undefined,
  { config }: Pick<Project, 'config'>,
  setup: ServerSetup,
): Problem[] {
  const { worker = 1.5, services = 2.5 } = config.systemd?.maxExposure ?? {}
  return (checks ?? []).flatMap(({ file, exposure = 0, complaints, remaining }) => {
    const service = setup.services.find(({ planned }) => unitName(setup, planned.name) === file)
    const [limit, key] = service === undefined ? [worker, 'worker'] : [services, 'services']
    const rejected = complaints.map((line) => installError('UNIT_REJECTED', file, `systemd rejects ${file}: ${line}`))
    if (setup.scope === 'user' || exposure <= limit) return rejected
    const reasons = remaining.slice(0, 3).map(({ points, what }) => `${points} ${what}`)
    const { capabilities = [] } = (service ?? setup.worker).allow
    const allowed = capabilities.length === 0 ? '' : ` It has allow.capabilities: ${capabilities.join(', ')}.`
    const message = `${file} has exposure ${exposure}; the limit is ${limit} (systemd.maxExposure.${key}).${allowed} Most of it: ${reasons.join('; ')}.`
    return [...rejected, installError('EXPOSURE_TOO_HIGH', file, message)]
  })
}
