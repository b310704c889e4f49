import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpsError, toProblem } from '../errors.ts'
import { formatDuration } from '../format.ts'
import { type WriteOptions, writeFile, writeJson } from '../platform/write-file.ts'
import { hasMark, type Manifest, readIfExists } from '../systemd/manifest.ts'
import type { Systemctl } from '../systemd/systemctl.ts'
import { changeUnit, type OnInstallEvent, type UnitFailure } from './change-unit.ts'
import type { FileStep, InstallPlan, UnitStep } from './install-plan.ts'
import { applyPreparation, type Preparation, undoPreparation } from './preparations.ts'

export interface Server {
  readonly systemctl: Systemctl
  readonly manifestPath: string
  readonly onEvent: OnInstallEvent
  /** root's, and for an environment file the group of the unit's user. */
  readonly permissionsOf: (file: FileStep) => Promise<WriteOptions>
}

export interface PlannedInstall {
  readonly plan: InstallPlan
  readonly preparations: readonly Preparation[]
  readonly before: Manifest | undefined
  readonly after: Manifest
}

/** systemd calls a program started even if it exits right afterwards. */
const SETTLE_MS = 1000

/**
 * Applies a plan, all of it or nothing: if a step fails or a unit does not become ready, the previous files and units
 * come back.
 *
 * @throws OpsError which also says how the rollback went
 */
export async function applyPlan(install: PlannedInstall, server: Server): Promise<void> {
  const rollback = new Rollback()
  try {
    await applySteps(install, server, rollback)
  } catch (error) {
    const isUpdate = install.before !== undefined
    server.onEvent({ kind: 'rollback', isUpdate })
    const { code, message, suggestions } = toProblem(error)
    const sentence = /[.!?]$/.test(message) ? message : `${message}.`
    // An OpsError is replaced rather than wrapped: its sentence is already in this one.
    const cause = error instanceof OpsError ? error.cause : error
    throw new OpsError(code, `${sentence} ${await rollBack(rollback, isUpdate)}`, { suggestions, cause })
  }
}

async function rollBack(rollback: Rollback, isUpdate: boolean): Promise<string> {
  const startedAt = performance.now()
  const { errors, leftovers } = await rollback.run()
  if (errors.length > 0) return `The rollback is incomplete: ${errors.join('; ')}.`
  const took = formatDuration(performance.now() - startedAt)
  if (isUpdate) return `The previous units are back (${took}).`
  return leftovers.length === 0
    ? `Everything was removed again (${took}).`
    : `Everything was removed again (${took}), except for ${leftovers.join(' and ')}.`
}

async function applySteps({ plan, preparations, before, after }: PlannedInstall, server: Server, rollback: Rollback) {
  const { systemctl, onEvent, manifestPath } = server
  for (const step of plan.units.filter(({ change }) => change === 'stop')) {
    rollback.start(() => systemctl.run('start', step.unit))
    await changeUnit(step, systemctl, onEvent)
  }
  for (const preparation of preparations) {
    onEvent({ kind: 'preparation', preparation })
    await applyPreparation(preparation)
    rollback.restore(() => undoPreparation(preparation))
  }
  rollback.restore(() => systemctl.run('daemon-reload'))
  rollback.restore(async () => (before ? writeManifest(manifestPath, before) : rmSync(manifestPath, { force: true })))
  // Before the files, so that the next installation knows what is ours even if this one is killed.
  writeManifest(manifestPath, { ...after, files: filesOfBoth(before, after), hashes: before?.hashes ?? {} })
  await writeFiles(plan, server, rollback)
  await systemctl.run('daemon-reload')
  if (!plan.isEnabled) {
    rollback.restore(() => systemctl.run('disable', plan.target))
    await systemctl.run('enable', plan.target)
  }
  await startUnits(plan, server, rollback)
  writeManifest(manifestPath, after)
}

async function writeFiles({ files, project }: InstallPlan, server: Server, rollback: Rollback): Promise<void> {
  for (const file of files.filter(({ change }) => change !== 'none')) {
    const permissions = await server.permissionsOf(file)
    const earlier = readIfExists(file.path)
    // Checked again: the file can be newer than the plan.
    if (earlier !== undefined && !hasMark(earlier, project)) {
      throw new OpsError('FOREIGN_FILE', `${file.path} already exists and is not managed by ops.`)
    }
    rollback.restore(async () => {
      if (earlier === undefined) rmSync(file.path, { force: true })
      else writeFile(file.path, earlier, permissions)
    })
    if (file.text === undefined) rmSync(file.path, { force: true })
    else writeFile(file.path, file.text, permissions)
  }
}

/** One after the other: a target counts as reached while its units still stop or start. */
async function startUnits({ units }: InstallPlan, server: Server, rollback: Rollback): Promise<void> {
  const { systemctl, onEvent } = server
  const since = new Date()
  const steps = units.filter(({ change }) => change !== 'stop' && change !== 'none')
  const before = await systemctl.show(steps.map(({ unit }) => unit))
  for (const step of steps) {
    rollBackUnit(rollback, step, before.get(step.unit)?.active === 'active', systemctl)
    const failure = await changeUnit(step, systemctl, onEvent)
    if (failure !== undefined) throw await notReady(step.unit, failure, server, since)
  }
  await sleep(SETTLE_MS)
  const settled = await systemctl.show(steps.map(({ unit }) => unit))
  for (const { unit } of steps) {
    const { active, result, restarts } = settled.get(unit)!
    if (active === 'active' && restarts === 0) continue
    throw await notReady(unit, { kind: 'early-exit', result }, server, since)
  }
}

function rollBackUnit(rollback: Rollback, { unit, change }: UnitStep, wasUp: boolean, systemctl: Systemctl): void {
  if (wasUp) rollback.start(() => systemctl.run(change === 'reload' ? 'reload' : 'restart', unit))
  else {
    rollback.stop(async () => {
      await systemctl.run('stop', unit)
      // A unit that was never there leaves neither a failure nor compiled code behind.
      await systemctl.tryRun('reset-failed', unit)
      await systemctl.tryRun('clean', '--what=cache', unit)
    })
  }
}

async function notReady(unit: string, failure: UnitFailure, { systemctl, onEvent }: Server, since: Date) {
  onEvent({ kind: 'journal', unit, lines: await systemctl.journal(unit, since) })
  return new OpsError('UNIT_NOT_READY', `${unit} ${describeFailure(failure)}.`, {
    suggestions: [`read its journal: journalctl -u ${unit}`],
  })
}

function describeFailure(failure: UnitFailure): string {
  switch (failure.kind) {
    case 'reload':
      return 'failed when it ran again'
    case 'timeout':
      return 'did not become ready in time'
    case 'start':
      return `did not become ready (${failure.result === 'success' ? 'its start failed' : failure.result})`
    case 'early-exit':
      return `exited right after its start (${failure.result})`
  }
}

function filesOfBoth(before: Manifest | undefined, after: Manifest): Manifest['files'] {
  const earlier = (before?.files ?? []).filter(({ path }) => !after.files.some((file) => file.path === path))
  return [...after.files, ...earlier]
}

/** Readable for all: any user who runs ops in the project's folder needs the manifest. */
export function writeManifest(path: string, manifest: Manifest): void {
  writeJson(path, manifest, { mode: 0o644, folderMode: 0o755, sync: true })
}

/** Returns what it leaves behind. */
type Undo = () => Promise<readonly string[] | void>

/** Undoes changes of a server: stops what was started, restores the rest, then starts what ran before. */
class Rollback {
  readonly #stops: Undo[] = []
  readonly #restores: Undo[] = []
  readonly #starts: Undo[] = []

  stop(undo: Undo): void {
    this.#stops.push(undo)
  }

  restore(undo: Undo): void {
    this.#restores.push(undo)
  }

  start(undo: Undo): void {
    this.#starts.push(undo)
  }

  async run(): Promise<{ readonly errors: readonly string[]; readonly leftovers: readonly string[] }> {
    const errors: string[] = []
    const leftovers: string[] = []
    for (const undo of [...this.#stops.toReversed(), ...this.#restores.toReversed(), ...this.#starts]) {
      try {
        leftovers.push(...((await undo()) ?? []))
      } catch (error) {
        errors.push((error as Error).message)
      }
    }
    return { errors, leftovers }
  }
}
