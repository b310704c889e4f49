import { structuredPatch } from 'diff'
import type { Problem } from '../errors.ts'
import { parseEnvironmentFile } from '../systemd/environment-file.ts'
import { hasMark, type InstalledFile, type Manifest } from '../systemd/manifest.ts'
import type { UnitState } from '../systemd/systemctl.ts'
import type { Unit } from './render-units.ts'
import type { ServerSetup } from './server-setup.ts'

/** What is on a server now, as far as it is known. */
export interface ServerFacts {
  /** Contents by path; null for a file that this user cannot read, no entry for one that does not exist. */
  readonly files: ReadonlyMap<string, string | null>
  /** The units that systemd has loaded; undefined where systemd does not answer. */
  readonly units: ReadonlyMap<string, UnitState> | undefined
}

export interface FileStep extends InstalledFile {
  readonly change: 'create' | 'change' | 'remove' | 'none'
  /** The new content; undefined if the file is removed. */
  readonly text: string | undefined
  /** The user whose group can read the file. */
  readonly user: string | undefined
  /** Lines that begin with `-`, `+`, `~` or a space. No values of variables. */
  readonly diff: readonly string[]
}

export interface UnitStep {
  readonly unit: string
  readonly change: 'start' | 'restart' | 'reload' | 'stop' | 'none'
  /** Undefined if nothing changes. */
  readonly reason: UnitReason | undefined
  /** The settings of a process that is started by this step. */
  readonly hash: string | undefined
}

export type UnitReason =
  | { readonly kind: 'new' | 'unknown-state' | 'settings-changed' | 'removed' | 'target' }
  /** Other units start after the migration. */
  | { readonly kind: 'others-start' }
  | { readonly kind: 'down'; readonly state: string }
  /** The process runs with settings before the current ones. */
  | { readonly kind: 'outdated'; readonly since: string }

export interface InstallPlan {
  readonly project: string
  readonly target: string
  readonly files: readonly FileStep[]
  /** In the order in which they happen. */
  readonly units: readonly UnitStep[]
  readonly isEnabled: boolean
  /** Where the server differs from what was installed. */
  readonly drift: readonly Problem[]
  /** Files of others, in the place of ours or with units that ours would replace. */
  readonly foreign: readonly string[]
}

interface PlanOptions {
  readonly setup: Pick<ServerSetup, 'project' | 'places'>
  readonly units: readonly Unit[]
  readonly manifest: Manifest | undefined
  readonly facts: ServerFacts
}

/** Compares the rendered units with the server. */
export function planInstall({ setup, units, manifest, facts }: PlanOptions): InstallPlan {
  const { project, places } = setup
  const wanted = units.flatMap((unit) => filesOf(unit, places.units))
  const obsolete = (manifest?.files ?? []).filter(({ path }) => !wanted.some((file) => file.path === path))
  const loadedFrom = [...(facts.units?.values() ?? [])].map(({ fragment }) => fragment).filter((path) => path !== '')
  const files = [
    ...wanted.map((file) => fileStep(file, facts.files.get(file.path))),
    ...obsolete.filter(({ path }) => isOurs(facts.files.get(path), project)).map(removal),
  ]
  const steps = units.flatMap((unit) => unitSteps(unit, facts, manifest))
  const running = steps.map(({ unit }) => unit)
  const stopped = (manifest?.units ?? [])
    .filter((unit) => !running.includes(unit))
    .toReversed()
    .map((unit): UnitStep => ({ unit, change: 'stop', reason: { kind: 'removed' }, hash: undefined }))
  const target = `${project}.target`
  const plan = {
    project,
    target,
    files,
    units: [...stopped, ...migrateFirst(steps, units)],
    isEnabled: facts.units?.get(target)?.fileState === 'enabled',
    foreign: [...new Set([...wanted.map(({ path }) => path), ...loadedFrom])].filter((path) =>
      isForeign(facts.files.get(path), project),
    ),
  }
  return { ...plan, drift: findDrift(plan, facts, manifest) }
}

/** Whether there is nothing to do. */
export function isDone({ files, units, isEnabled }: InstallPlan): boolean {
  return isEnabled && files.every(({ change }) => change === 'none') && units.every(({ change }) => change === 'none')
}

interface WantedFile extends InstalledFile {
  readonly text: string
  readonly user: string | undefined
}

function filesOf({ file, text, environmentFile, user }: Unit, folder: string): WantedFile[] {
  const own: WantedFile = { path: `${folder}/${file}`, kind: 'unit', text, user: undefined }
  return environmentFile === undefined ? [own] : [own, { ...environmentFile, kind: 'environment', user }]
}

function isForeign(content: string | null | undefined, project: string): boolean {
  return typeof content === 'string' && !hasMark(content, project)
}

function isOurs(content: string | null | undefined, project: string): boolean {
  return content === null || (content !== undefined && hasMark(content, project))
}

function fileStep(file: WantedFile, before: string | null | undefined): FileStep {
  if (before === undefined) return { ...file, change: 'create', diff: difference(file, '') }
  // What this user cannot read is compared when root plans.
  if (before === null || before === file.text) return { ...file, change: 'none', diff: [] }
  return { ...file, change: 'change', diff: difference(file, before) }
}

function removal({ path, kind }: InstalledFile): FileStep {
  return { path, kind, change: 'remove', text: undefined, user: undefined, diff: [] }
}

function difference({ kind, text }: WantedFile, before: string): string[] {
  if (kind === 'environment') return variableDifference(before, text)
  if (before === '') return []
  const { hunks } = structuredPatch('', '', before, text, '', '', { context: 2 })
  return hunks.flatMap(({ lines }, index) => [...(index === 0 ? [] : ['…']), ...lines])
}

/** Without values: a plan is shown, logged and sent around. */
function variableDifference(before: string, after: string): string[] {
  const [old, now] = [parseEnvironmentFile(before), parseEnvironmentFile(after)]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    if (!now.has(name)) return [`-${name}`]
    if (!old.has(name)) return [`+${name}`]
    return old.get(name) === now.get(name) ? [] : [`~${name}`]
  })
}

function unitSteps({ instances, role, hash }: Unit, facts: ServerFacts, manifest: Manifest | undefined): UnitStep[] {
  if (role === 'target') return instances.map((unit) => targetStep(unit, facts))
  return instances.map((unit): UnitStep => {
    const state = facts.units?.get(unit)
    const started = manifest?.hashes[unit]
    if (facts.units === undefined) return { unit, change: 'start', reason: { kind: 'unknown-state' }, hash }
    if (!isUp(state)) {
      const active = state?.active ?? 'not loaded'
      return {
        unit,
        change: 'start',
        reason: started === undefined ? { kind: 'new' } : { kind: 'down', state: active },
        hash,
      }
    }
    // A oneshot has no process, and only root sees the settings of another user's process.
    const known = state?.runningHash ?? started
    if (known === hash) return { unit, change: 'none', reason: undefined, hash }
    const change = role === 'oneshot' || role === 'migrate' ? 'reload' : 'restart'
    const reason: UnitReason =
      started === hash ? { kind: 'outdated', since: state?.startedAt ?? '' } : { kind: 'settings-changed' }
    return { unit, change, reason, hash }
  })
}

function targetStep(unit: string, facts: ServerFacts): UnitStep {
  const isReached = facts.units?.get(unit)?.active === 'active'
  if (isReached) return { unit, change: 'none', reason: undefined, hash: undefined }
  return { unit, change: 'start', reason: { kind: 'target' }, hash: undefined }
}

/** When any unit starts or restarts, the migration runs first. */
function migrateFirst(steps: readonly UnitStep[], units: readonly Unit[]): UnitStep[] {
  const migrate = units.find(({ role }) => role === 'migrate')?.instances[0]
  const isBusy = steps.some(({ change }) => change !== 'none')
  return steps.map((step) =>
    step.unit === migrate && step.change === 'none' && isBusy
      ? { ...step, change: 'reload', reason: { kind: 'others-start' } }
      : step,
  )
}

function isUp(state: UnitState | undefined): boolean {
  return state?.active === 'active' || state?.active === 'reloading'
}

/** Nothing is compared with units that systemd does not tell about. */
function findDrift(plan: Omit<InstallPlan, 'drift'>, facts: ServerFacts, manifest: Manifest | undefined): Problem[] {
  const drifted = (code: string, where: string, message: string): Problem => {
    return { code, severity: 'error', where, message, suggestions: [] }
  }
  if (manifest === undefined) return [drifted('NOT_INSTALLED', plan.project, 'not installed')]
  const states = [...(facts.units?.values() ?? [])]
  const files = plan.files.flatMap(({ path, change }) => {
    if (change === 'none') return []
    if (change === 'create') return [drifted('FILE_MISSING', path, `${path} is missing`)]
    if (change === 'remove') return [drifted('FILE_OBSOLETE', path, `${path} is no longer in the configuration`)]
    return [drifted('FILE_DRIFTED', path, `${path} differs from the configuration`)]
  })
  const units = plan.units.flatMap(({ unit, change, reason }) => {
    const { active, startedAt } = facts.units?.get(unit) ?? { active: 'not loaded', startedAt: '' }
    if (reason === undefined || reason.kind === 'others-start' || reason.kind === 'unknown-state') return []
    if (change === 'stop') return [drifted('UNIT_OBSOLETE', unit, `${unit} is no longer in the configuration`)]
    if (change === 'start') return [drifted('UNIT_DOWN', unit, `${unit} is ${active}`)]
    const since = startedAt === '' ? '' : ` since ${startedAt}`
    return [drifted('UNIT_OUTDATED', unit, `${unit} has been running with earlier settings${since}`)]
  })
  const isDisabled = !plan.isEnabled && facts.units !== undefined
  return [
    ...files,
    ...states
      .filter(({ needsReload }) => needsReload)
      .map(({ name }) => drifted('UNIT_NOT_RELOADED', name, `${name} has changed on disk since systemd loaded it`)),
    ...states.flatMap(({ name, dropIns }) =>
      dropIns.map((path): Problem => {
        return { ...drifted('UNIT_OVERRIDDEN', name, `${name} is overridden by ${path}`), severity: 'warning' }
      }),
    ),
    ...units,
    ...(isDisabled
      ? [drifted('TARGET_DISABLED', plan.target, `${plan.target} is disabled and does not start at boot`)]
      : []),
  ]
}
