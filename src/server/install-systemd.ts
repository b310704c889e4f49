import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Problem } from '../errors.ts'
import { type WriteOptions, writeFile } from '../platform/write-file.ts'
import type { Project } from '../project/open-project.ts'
import { databaseUrlFacts } from '../queue/database-url.ts'
import { findAccount, isLingering } from '../systemd/accounts.ts'
import { type Manifest, manifestPath } from '../systemd/manifest.ts'
import { Systemctl } from '../systemd/systemctl.ts'
import { applyPlan, writeManifest } from './apply-plan.ts'
import type { OnInstallEvent } from './change-unit.ts'
import { checkUnitFiles, type UnitCheck } from './check-unit-files.ts'
import { type FileStep, type InstallPlan, isDone, planInstall, type ServerFacts } from './install-plan.ts'
import { planServer, type ServerOptions } from './plan-server.ts'
import { isNodeCopy, nodeCopy, type Preparation } from './preparations.ts'
import { renderUnits, type Unit } from './render-units.ts'
import { isInHome } from './server-paths.ts'
import { installError, requireInstallable, serverProblems, unitProblems } from './server-problems.ts'
import type { ServerSetup } from './server-setup.ts'

export interface InstallOptions extends Omit<ServerOptions, 'systemdVersion'> {
  readonly createUser: boolean
  readonly copyNode: boolean
}

/** A planned installation. */
export interface Installation {
  readonly setup: ServerSetup
  readonly units: readonly Unit[]
  readonly plan: InstallPlan
  readonly preparations: readonly Preparation[]
  readonly manifest: Manifest | undefined
  readonly isDatabaseGiven: boolean
  /** Undefined without systemd-analyze. */
  readonly checks: readonly UnitCheck[] | undefined
  /** Errors prevent the installation, warnings do not. */
  readonly problems: readonly Problem[]
  readonly systemctl: Systemctl
  readonly hasSystemd: boolean
}

/** Plans an installation and changes nothing. */
export async function planInstallation(project: Project, options: InstallOptions): Promise<Installation> {
  const { scope, prefix, env } = options
  const systemctl = new Systemctl(scope)
  const systemdVersion = prefix === undefined ? await systemctl.version() : undefined
  const hasSystemd = systemdVersion !== undefined
  const original = await planServer(project, { ...options, systemdVersion })
  // Once node is copied, later installations and checks use the copy too.
  const isCopied = original.manifest?.copiedNode !== undefined && isInHome(options.node)
  const copy = options.copyNode || isCopied ? nodeCopy(original.setup.project, process.version) : undefined
  const server = copy === undefined ? original : await planServer(project, { ...options, systemdVersion, node: copy })
  const { setup, manifest, database } = server

  const units = renderUnits(setup)
  const instances = [...new Set([...units.flatMap((unit) => unit.instances), ...(manifest?.units ?? [])])]
  const loaded = hasSystemd ? await systemctl.show(instances) : undefined
  const paths = [
    ...pathsOf(units, setup),
    ...(manifest?.files ?? []).map(({ path }) => path),
    ...[...(loaded?.values() ?? [])].map(({ fragment }) => fragment),
  ]
  const facts: ServerFacts = { files: readFiles(paths, prefix), units: loaded }
  // systemd would complain about a copy that does not exist yet.
  const isToCopy = copy !== undefined && !existsSync(copy)
  const checks = await checkUnitFiles(isToCopy ? renderUnits(original.setup) : units)
  const preparations: Preparation[] = []
  const user = setup.user
  const account = user === undefined ? undefined : await findAccount(user)
  const isUserMissing = user !== undefined && prefix === undefined && account === undefined
  if (isUserMissing && options.createUser) preparations.push({ kind: 'create-user', user, home: setup.places.state })
  if (isToCopy) preparations.push({ kind: 'copy-node', from: options.node, to: copy })
  if (prefix === undefined && database.moved && existsSync(database.moved.from) && !existsSync(database.moved.to)) {
    const isNewFolder = !existsSync(dirname(database.moved.to))
    preparations.push({ kind: 'move-database', ...database.moved, user, isNewFolder })
  }
  if (scope === 'user' && prefix === undefined && hasSystemd && env.USER && !isLingering(env.USER)) {
    preparations.push({ kind: 'enable-lingering', user: env.USER })
  }
  const plan = planInstall({ setup, units, manifest, facts })
  const problems = [
    ...server.problems,
    ...(isUserMissing && !options.createUser ? [missingUser(user)] : []),
    ...(await serverProblems({ setup, manifest, systemdVersion, account, prefix })),
    ...unitProblems(checks, project, setup),
    ...plan.foreign.map(foreignFile),
  ]
  const isDatabaseGiven = database.isGiven
  return { setup, units, plan, preparations, manifest, isDatabaseGiven, checks, problems, systemctl, hasSystemd }
}

function missingUser(user: string): Problem {
  const suggestions = ['create it: --create-user', 'set another user in the configuration: systemd.user']
  return installError('USER_NOT_FOUND', user, `User "${user}" not found.`, ...suggestions)
}

function foreignFile(path: string): Problem {
  const suggestions = ['move the file away', 'give the project another name in its configuration']
  return installError('FOREIGN_FILE', path, `${path} already exists and is not managed by ops.`, ...suggestions)
}

interface InstallTarget {
  readonly prefix: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly onEvent: OnInstallEvent
}

/** @throws OpsError `CANNOT_INSTALL`, or what `applyPlan` throws */
export async function install(installation: Installation, { prefix, env, onEvent }: InstallTarget): Promise<void> {
  const { setup, plan, preparations, manifest, problems, systemctl } = installation
  requireInstallable(problems)
  const after = newManifest(installation, env)
  const path = manifestPath(setup.places.settings)
  if (prefix === undefined) {
    const permissionsOf = (file: FileStep) => permissions(file, setup)
    const server = { systemctl, manifestPath: path, onEvent, permissionsOf }
    await applyPlan({ plan, preparations, before: manifest, after }, server)
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

type ManifestSource = Pick<Installation, 'setup' | 'units' | 'plan' | 'preparations' | 'manifest' | 'isDatabaseGiven'>

/** The manifest after the installation. */
export function newManifest(installation: ManifestSource, env: NodeJS.ProcessEnv): Manifest {
  const { setup, units, plan, preparations, manifest, isDatabaseGiven } = installation
  const has = (kind: Preparation['kind']) => preparations.some((preparation) => preparation.kind === kind)
  const url = setup.worker.environment.OPS_DATABASE_URL
  const isFile = url !== undefined && databaseUrlFacts(url, setup.directory).file !== undefined
  return {
    format: 1,
    project: setup.project,
    directory: setup.directory,
    version: setup.version,
    files: plan.files.filter(({ text }) => text !== undefined).map(({ path, kind }) => ({ path, kind })),
    units: units.flatMap(({ instances }) => instances),
    hashes: Object.fromEntries(units.flatMap(({ instances, hash }) => instances.map((unit) => [unit, hash ?? '']))),
    state: setup.places.state,
    database: isFile ? url : undefined,
    databaseGiven: isDatabaseGiven || undefined,
    createdUser: has('create-user') ? setup.user : manifest?.createdUser,
    lingering: has('enable-lingering') ? env.USER : manifest?.lingering,
    copiedNode: isNodeCopy(setup.node) ? dirname(setup.node) : undefined,
  }
}

/** No unit uses the copy of an earlier version anymore. */
function removeEarlierNode(before: Manifest | undefined, { copiedNode }: Manifest): void {
  if (before?.copiedNode === undefined || before.copiedNode === copiedNode) return
  rmSync(before.copiedNode, { recursive: true, force: true })
}

function pathsOf(units: readonly Unit[], { places }: ServerSetup): string[] {
  return units.flatMap(({ file, environmentFile }) => [
    join(places.units, file),
    ...(environmentFile === undefined ? [] : [environmentFile.path]),
  ])
}

function readFiles(paths: readonly string[], prefix = ''): ServerFacts['files'] {
  return new Map(
    paths.flatMap((path): [string, string | null][] => {
      try {
        return [[path, readFileSync(join(prefix, path), 'utf8')]]
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EACCES' ? [[path, null]] : []
      }
    }),
  )
}

const installed = { folderMode: 0o755, sync: true }

async function permissions({ kind, user }: FileStep, { scope }: ServerSetup): Promise<WriteOptions> {
  if (kind === 'unit') return { ...installed, mode: 0o644 }
  const group = scope === 'system' && user !== undefined ? (await findAccount(user))?.gid : undefined
  return { ...installed, mode: scope === 'system' ? 0o640 : 0o600, group }
}
