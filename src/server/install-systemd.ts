import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type WriteOptions, writeFile } from '../platform/write-file.ts'
import type { Project } from '../project/open-project.ts'
import { findAccount } from '../systemd/accounts.ts'
import { isLingering } from '../systemd/lingering.ts'
import { type Manifest, manifestPath } from '../systemd/manifest.ts'
import type { ServerFacts } from '../systemd/server-facts.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import { CannotInstallError, ForeignFileError } from '../systemd/systemd-errors.ts'
import { applyPlan, type Preparation, writeManifest } from './apply-plan.ts'
import { checkUnits, type UnitCheck } from './exposure.ts'
import { type FileStep, type InstallPlan, isDone, planInstall } from './install-plan.ts'
import type { InstallReport } from './install-report.ts'
import { planServer, type ServerOptions } from './plan-server.ts'
import { copiedNode, lingering, movedDatabase, newUser, nodeCopy } from './prepare-server.ts'
import { renderUnits, type Unit } from './render-units.ts'
import { isInHome } from './server-names.ts'
import { checkProblems, serverProblems } from './server-problems.ts'
import type { ServerSetup } from './server-setup.ts'

export interface InstallOptions extends Omit<ServerOptions, 'systemdVersion'> {
  readonly createUser: boolean
  readonly copyNode: boolean
}

/** An installation, thought through and not begun. */
export interface Installation {
  readonly setup: ServerSetup
  readonly units: readonly Unit[]
  readonly plan: InstallPlan
  readonly preparations: readonly Preparation[]
  readonly manifest: Manifest | undefined
  readonly isDatabaseGiven: boolean
  /** What systemd itself thinks of the units; undefined where there is no systemd-analyze. */
  readonly checks: readonly UnitCheck[] | undefined
  /** What stands against it on this machine. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  readonly systemctl: Systemctl
  readonly hasSystemd: boolean
}

/** Decides what is to be done, and does nothing. */
export async function planInstallation(project: Project, options: InstallOptions): Promise<Installation> {
  const { scope, prefix, env } = options
  const systemctl = new Systemctl(scope)
  const systemdVersion = prefix === undefined ? await systemctl.version() : undefined
  const hasSystemd = systemdVersion !== undefined
  const named = await planServer(project, { ...options, systemdVersion })
  // Asked for once: the next installation, and a check, mean the copy too.
  const isCopied = named.manifest?.copiedNode !== undefined && isInHome(options.node)
  const copy = options.copyNode || isCopied ? nodeCopy(named.setup.project, process.version) : undefined
  const server = copy === undefined ? named : await planServer(project, { ...options, systemdVersion, node: copy })
  const { setup, manifest, database, problems, warnings } = server

  const units = renderUnits(setup)
  const instances = [...new Set([...units.flatMap((unit) => unit.instances), ...(manifest?.units ?? [])])]
  const loaded = hasSystemd ? await systemctl.show(instances) : undefined
  const paths = [
    ...pathsOf(units, setup),
    ...(manifest?.files ?? []).map(({ path }) => path),
    ...[...(loaded?.values() ?? [])].map(({ fragment }) => fragment),
  ]
  const facts: ServerFacts = { files: readFiles(paths, prefix), units: loaded }
  // Of a copy that is still to be made systemd would say that it is missing.
  const isToCopy = copy !== undefined && !existsSync(copy)
  const checks = await checkUnits(isToCopy ? renderUnits(named.setup) : units)
  const preparations: Preparation[] = []
  const user = setup.user
  const account = user === undefined ? undefined : await findAccount(user)
  const isMissing = user !== undefined && prefix === undefined && account === undefined
  if (isMissing && options.createUser) preparations.push(newUser(user, setup.places.state))
  if (isToCopy) preparations.push(copiedNode(options.node, copy))
  if (prefix === undefined && database.moved && existsSync(database.moved.from) && !existsSync(database.moved.to)) {
    preparations.push(movedDatabase(database.moved, user))
  }
  if (scope === 'user' && prefix === undefined && hasSystemd && env.USER && !isLingering(env.USER)) {
    preparations.push(lingering(env.USER))
  }
  return {
    setup,
    units,
    plan: planInstall({ setup, units, manifest, facts }),
    preparations,
    manifest,
    isDatabaseGiven: database.isGiven,
    checks,
    problems: [
      ...problems,
      ...(isMissing && !options.createUser
        ? [`There is no user "${user}": let it be made by --create-user, or name another by systemd.user.`]
        : []),
      ...(await serverProblems({ setup, manifest, systemdVersion, account, prefix })),
      ...checkProblems(checks, project, setup),
    ],
    warnings,
    systemctl,
    hasSystemd,
  }
}

/**
 * Does what was planned.
 *
 * @throws CannotInstallError, ForeignFileError, UnitNotReadyError, SystemdFailedError
 */
export async function install(
  installation: Installation,
  { prefix, report, env }: { prefix: string | undefined; report: InstallReport; env: NodeJS.ProcessEnv },
): Promise<void> {
  const { setup, plan, preparations, manifest, problems, systemctl } = installation
  if (plan.foreign.length > 0) throw new ForeignFileError(plan.foreign)
  if (problems.length > 0) throw new CannotInstallError(problems, ['look at the whole plan: --dry-run'])
  const after = manifestOf(installation, env)
  const path = manifestPath(setup.places.settings)
  if (prefix === undefined) {
    await applyPlan(
      { plan, preparations, before: manifest, after },
      { systemctl, manifestPath: path, report, permissionsOf: (file) => permissionsOf(file, setup) },
    )
    removeEarlierNode(manifest, after)
    return
  }
  for (const { path: file, text, kind } of plan.files) {
    if (text === undefined) rmSync(join(prefix, file), { force: true })
    else writeFile(join(prefix, file), text, { ...installed, mode: kind === 'environment' ? 0o640 : 0o644 })
  }
  writeManifest(join(prefix, path), after)
}

export function isInstalled({ plan, preparations }: Installation): boolean {
  return isDone(plan) && preparations.length === 0
}

function manifestOf(installation: Installation, env: NodeJS.ProcessEnv): Manifest {
  const { setup, units, plan, preparations, manifest, isDatabaseGiven } = installation
  const does = (what: string) => preparations.some((preparation) => preparation.what.startsWith(what))
  const copy = dirname(setup.node)
  return {
    format: 1,
    project: setup.project,
    directory: setup.directory,
    version: setup.version,
    files: plan.files.filter(({ text }) => text !== undefined).map(({ path, kind }) => ({ path, kind })),
    units: units.flatMap(({ instances }) => instances),
    hashes: Object.fromEntries(units.flatMap(({ instances, hash }) => instances.map((unit) => [unit, hash ?? '']))),
    state: setup.places.state,
    database: sqliteUrl(setup.worker.environment.OPS_DATABASE_URL),
    databaseGiven: isDatabaseGiven || undefined,
    createdUser: does('making the user') ? setup.user : manifest?.createdUser,
    lingering: does('letting the units') ? env.USER : manifest?.lingering,
    copiedNode: copy.startsWith('/usr/local/lib/ops/') ? copy : undefined,
  }
}

/** Nothing runs with the copy of an earlier version any more. */
function removeEarlierNode(before: Manifest | undefined, { copiedNode }: Manifest): void {
  if (before?.copiedNode === undefined || before.copiedNode === copiedNode) return
  rmSync(before.copiedNode, { recursive: true, force: true })
}

function sqliteUrl(url: string | undefined): string | undefined {
  return url?.startsWith('sqlite:') ? url : undefined
}

function onServer(prefix: string | undefined, path: string): string {
  return prefix === undefined ? path : join(prefix, path)
}

function pathsOf(units: readonly Unit[], { places }: ServerSetup): string[] {
  return units.flatMap(({ file, environmentFile }) => [
    join(places.units, file),
    ...(environmentFile === undefined ? [] : [environmentFile.path]),
  ])
}

function readFiles(paths: readonly string[], prefix: string | undefined): ServerFacts['files'] {
  return new Map(
    paths.flatMap((path): [string, string | null][] => {
      try {
        return [[path, readFileSync(onServer(prefix, path), 'utf8')]]
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EACCES' ? [[path, null]] : []
      }
    }),
  )
}

const installed = { folderMode: 0o755, sync: true }

async function permissionsOf({ kind, user }: FileStep, { scope }: ServerSetup): Promise<WriteOptions> {
  if (kind === 'unit') return { ...installed, mode: 0o644 }
  const group = scope === 'system' && user !== undefined ? (await findAccount(user))?.gid : undefined
  return { ...installed, mode: scope === 'system' ? 0o640 : 0o600, group }
}
