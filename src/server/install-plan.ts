import { hasMark, type InstalledFile, type Manifest } from '../systemd/manifest.ts'
import type { ServerFacts, UnitState } from '../systemd/server-facts.ts'
import { environmentDiff } from './environment-diff.ts'
import type { Unit } from './render-units.ts'
import type { ServerSetup } from './server-setup.ts'
import { unifiedDiff } from './unified-diff.ts'

export interface FileStep extends InstalledFile {
  readonly change: 'create' | 'change' | 'remove' | 'none'
  /** What is to be in it; undefined where it is removed. */
  readonly text: string | undefined
  /** The user whose group may read it. */
  readonly user: string | undefined
  /** Lines that begin with `-`, `+`, `~` or a space. No values of variables. */
  readonly diff: readonly string[]
}

export interface UnitStep {
  readonly unit: string
  readonly change: 'start' | 'restart' | 'reload' | 'stop' | 'none'
  readonly because: string
  /** What a process is that was started with the new settings. */
  readonly hash: string | undefined
}

/** What an installation does, or would do. */
export interface InstallPlan {
  readonly project: string
  readonly target: string
  readonly files: readonly FileStep[]
  /** In the order in which it happens. */
  readonly units: readonly UnitStep[]
  readonly isEnabled: boolean
  /** What is on the server is not what was installed: sentences. */
  readonly drift: readonly string[]
  /** Files that are not ours, where ours would stand or whose units ours would replace. */
  readonly foreign: readonly string[]
}

interface Wanted {
  readonly setup: Pick<ServerSetup, 'project' | 'places'>
  readonly units: readonly Unit[]
  readonly manifest: Manifest | undefined
  readonly facts: ServerFacts
}

/** Compares what is to be with what is. */
export function planInstall({ setup, units, manifest, facts }: Wanted): InstallPlan {
  const { project, places } = setup
  const wanted = units.flatMap((unit) => filesOf(unit, places.units))
  const gone = (manifest?.files ?? []).filter(({ path }) => !wanted.some((file) => file.path === path))
  const loadedFrom = [...(facts.units?.values() ?? [])].map(({ fragment }) => fragment).filter((path) => path !== '')
  const foreign = [...new Set([...wanted.map(({ path }) => path), ...loadedFrom])].filter((path) =>
    isForeign(facts.files.get(path), project),
  )
  const files = [
    ...wanted.map((file) => fileStep(file, facts.files.get(file.path))),
    ...gone.filter(({ path }) => isOurs(facts.files.get(path), project)).map(removal),
  ]
  const steps = units.flatMap((unit) => unitSteps(unit, facts, manifest))
  const running = steps.map(({ unit }) => unit)
  const stopped = (manifest?.units ?? [])
    .filter((unit) => !running.includes(unit))
    .toReversed()
    .map((unit): UnitStep => ({ unit, change: 'stop', because: 'the configuration has it no more', hash: undefined }))
  const target = `${project}.target`
  const isEnabled = facts.units?.get(target)?.fileState === 'enabled'
  const all = [...stopped, ...migrateFirst(steps, units)]
  return {
    project,
    target,
    files,
    units: all,
    isEnabled,
    foreign,
    drift: driftOf({ files, units: all, isEnabled, facts, manifest, target }),
  }
}

/** Whether there is anything to do. */
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
  if (before === undefined) return { ...file, change: 'create', diff: differences(file, '') }
  // Without the right to read it nothing can be said of it; root can.
  if (before === null || before === file.text) return { ...file, change: 'none', diff: [] }
  return { ...file, change: 'change', diff: differences(file, before) }
}

function removal({ path, kind }: InstalledFile): FileStep {
  return { path, kind, change: 'remove', text: undefined, user: undefined, diff: [] }
}

function differences({ kind, text }: WantedFile, before: string): string[] {
  if (kind === 'environment') return environmentDiff(before, text)
  return before === '' ? [] : unifiedDiff(before, text)
}

function unitSteps({ instances, role, hash }: Unit, facts: ServerFacts, manifest: Manifest | undefined): UnitStep[] {
  if (role === 'target') return instances.map((unit) => targetStep(unit, facts))
  return instances.map((unit): UnitStep => {
    const state = facts.units?.get(unit)
    const started = manifest?.hashes[unit]
    if (facts.units === undefined) return { unit, change: 'start', because: 'nothing is known of it here', hash }
    if (started === undefined && !isUp(state)) return { unit, change: 'start', because: 'it is new', hash }
    if (!isUp(state)) return { unit, change: 'start', because: `it is ${state?.active ?? 'not loaded'}`, hash }
    // A oneshot has no process to ask, and of another user's process one may not be told.
    const known = state?.runningHash ?? started
    if (known === hash) return { unit, change: 'none', because: '', hash }
    const change = role === 'oneshot' || role === 'migrate' ? 'reload' : 'restart'
    return { unit, change, because: because(state, started, hash), hash }
  })
}

function because(state: UnitState | undefined, started: string | undefined, hash: string | undefined): string {
  if (started !== hash) return 'its settings have changed'
  return `its process runs with earlier settings, since ${state?.startedAt || 'some time'}`
}

function targetStep(unit: string, facts: ServerFacts): UnitStep {
  const isReached = facts.units?.get(unit)?.active === 'active'
  return {
    unit,
    change: isReached ? 'none' : 'start',
    because: isReached ? '' : 'it groups the units',
    hash: undefined,
  }
}

/** When anything is started anew, the database is looked at first. */
function migrateFirst(steps: readonly UnitStep[], units: readonly Unit[]): UnitStep[] {
  const migrate = units.find(({ role }) => role === 'migrate')?.instances[0]
  const isBusy = steps.some(({ change }) => change !== 'none')
  return steps.map((step) =>
    step.unit === migrate && step.change === 'none' && isBusy
      ? { ...step, change: 'reload', because: 'the others start after it' }
      : step,
  )
}

function isUp(state: UnitState | undefined): boolean {
  return state?.active === 'active' || state?.active === 'reloading'
}

interface Compared {
  readonly files: readonly FileStep[]
  readonly units: readonly UnitStep[]
  readonly isEnabled: boolean
  readonly facts: ServerFacts
  readonly manifest: Manifest | undefined
  readonly target: string
}

function driftOf({ files, units, isEnabled, facts, manifest, target }: Compared): string[] {
  if (manifest === undefined) return ['nothing is installed']
  const states = [...(facts.units ?? new Map<string, UnitState>()).values()]
  const since = (state: UnitState) => (state.startedAt === '' ? '' : ` since ${state.startedAt}`)
  return [
    ...files.flatMap(({ path, change }) => {
      if (change === 'none') return []
      if (change === 'create') return [`${path} is missing`]
      return [
        change === 'remove' ? `${path} belongs to nothing any more` : `${path} is not what the configuration says`,
      ]
    }),
    ...states.filter(({ needsReload }) => needsReload).map(({ name }) => `${name} is loaded in an earlier version`),
    ...states.flatMap(({ name, dropIns }) => dropIns.map((path) => `${name} is changed by ${path}`)),
    ...units.flatMap(({ unit, change, because }) => {
      const state = facts.units?.get(unit)
      if (facts.units === undefined || change === 'none' || because === 'the others start after it') return []
      if (change === 'stop') return [`${unit} belongs to nothing any more`]
      if (change === 'start') return [`${unit} is ${state?.active ?? 'not loaded'}`]
      return [`${unit} runs with earlier settings${state ? since(state) : ''}`]
    }),
    ...(isEnabled || facts.units === undefined ? [] : [`${target} is not enabled, so nothing starts at boot`]),
  ]
}
