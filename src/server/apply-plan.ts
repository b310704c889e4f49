import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '../format.ts'
import { type WriteOptions, writeFile, writeJson } from '../platform/write-file.ts'
import { hasMark, type Manifest } from '../systemd/manifest.ts'
import type { Systemctl } from '../systemd/systemctl.ts'
import { ForeignFileError, UnitNotReadyError } from '../systemd/systemd-errors.ts'
import { changeUnit } from './change-unit.ts'
import type { FileStep, InstallPlan, UnitStep } from './install-plan.ts'
import type { InstallReport } from './install-report.ts'
import { Rollback } from './rollback.ts'

/** A step before the files, such as the move of the database, that can be taken back. */
export interface Preparation {
  readonly what: string
  apply(): Promise<void>
  /** Resolves to what has to stay, if anything has to. */
  undo(): Promise<string | undefined | void>
}

export interface Server {
  readonly systemctl: Systemctl
  readonly manifestPath: string
  readonly report: InstallReport
  /** The permissions of a file: root's, and of an environment file the group of the unit's user. */
  readonly permissionsOf: (file: FileStep) => Promise<WriteOptions>
}

interface Work {
  readonly plan: InstallPlan
  readonly preparations: readonly Preparation[]
  readonly before: Manifest | undefined
  readonly after: Manifest
}

/** A program that dies right after its start has not become ready, though systemd called it started. */
const SETTLE_MS = 1000

/**
 * Carries a plan out: all of it, or none of it. When a unit does not become ready the earlier files come back, and the
 * earlier units with them.
 *
 * @throws UnitNotReadyError, SystemdFailedError, ForeignFileError
 */
export async function applyPlan(work: Work, server: Server): Promise<void> {
  const rollback = new Rollback()
  try {
    await applySteps(work, server, rollback)
  } catch (error) {
    const { before } = work
    const startedAt = performance.now()
    server.report.step(before === undefined ? 'taking everything back' : 'putting the previous units back')
    const { problems, left } = await rollback.run()
    const took = formatDuration(performance.now() - startedAt)
    const nothing = left.length === 0 ? 'Nothing was left of it' : `Left of it: ${left.join(', ')}`
    const back = before === undefined ? `${nothing} (${took}).` : `The previous units are back (${took}).`
    const said = problems.length === 0 ? back : `Taking it back failed in part: ${problems.join('; ')}.`
    if (error instanceof NotReady) throw new UnitNotReadyError(error.unit, error.how, said)
    server.report.step(said)
    throw error
  }
}

async function applySteps({ plan, preparations, before, after }: Work, server: Server, rollback: Rollback) {
  const { systemctl, report, manifestPath } = server
  for (const step of plan.units.filter(({ change }) => change === 'stop')) {
    rollback.start(() => systemctl.must('start', step.unit))
    await changeUnit(step, systemctl, report)
  }
  for (const preparation of preparations) {
    report.step(preparation.what)
    await preparation.apply()
    rollback.restore(() => preparation.undo())
  }
  rollback.restore(() => systemctl.must('daemon-reload'))
  rollback.restore(async () => (before ? writeManifest(manifestPath, before) : rmSync(manifestPath, { force: true })))
  // Known before they are there: whatever ends this program, the next one finds what is ours.
  writeManifest(manifestPath, { ...after, files: union(before, after), hashes: before?.hashes ?? {} })
  await writeFiles(plan, server, rollback)
  await systemctl.must('daemon-reload')
  if (!plan.isEnabled) {
    rollback.restore(() => systemctl.must('disable', plan.target))
    await systemctl.must('enable', plan.target)
  }
  await startUnits(plan, server, rollback)
  writeManifest(manifestPath, after)
}

async function writeFiles({ files, project }: InstallPlan, server: Server, rollback: Rollback): Promise<void> {
  for (const file of files.filter(({ change }) => change !== 'none')) {
    const permissions = await server.permissionsOf(file)
    const earlier = readIfThere(file.path)
    // Looked at once more: between the plan and now somebody may have put a file there.
    if (earlier !== undefined && !hasMark(earlier, project)) throw new ForeignFileError([file.path])
    rollback.restore(async () => {
      if (earlier === undefined) rmSync(file.path, { force: true })
      else writeFile(file.path, earlier, permissions)
    })
    if (file.text === undefined) rmSync(file.path, { force: true })
    else writeFile(file.path, file.text, permissions)
  }
}

/** One after the other and each for itself: a target counts as reached while its units still stop or start. */
async function startUnits({ units }: InstallPlan, server: Server, rollback: Rollback): Promise<void> {
  const { systemctl, report } = server
  const since = new Date()
  const steps = units.filter(({ change }) => change !== 'stop' && change !== 'none')
  const before = await systemctl.show(steps.map(({ unit }) => unit))
  for (const step of steps) {
    takeBackBy(rollback, step, before.get(step.unit)?.active === 'active', systemctl)
    const failure = await changeUnit(step, systemctl, report)
    if (failure !== undefined) await notReady(step.unit, failure, server, since)
  }
  await sleep(SETTLE_MS)
  const settled = await systemctl.show(steps.map(({ unit }) => unit))
  for (const { unit } of steps) {
    const { active, result, restarts } = settled.get(unit)!
    if (active === 'active' && restarts === 0) continue
    await notReady(unit, `ended right after its start (${result})`, server, since)
  }
}

function takeBackBy(rollback: Rollback, { unit, change }: UnitStep, wasUp: boolean, systemctl: Systemctl): void {
  if (wasUp) rollback.start(() => systemctl.must(change === 'reload' ? 'reload' : 'restart', unit))
  else {
    rollback.stop(async () => {
      await systemctl.must('stop', unit)
      // Neither the memory of a failure nor compiled code is left of a unit that never was.
      await systemctl.run('reset-failed', unit)
      await systemctl.run('clean', '--what=cache', unit)
    })
  }
}

/** Before its journal is told and the rest is taken back. */
class NotReady extends Error {
  readonly unit: string
  readonly how: string
  constructor(unit: string, how: string) {
    super(`${unit} ${how}`)
    this.unit = unit
    this.how = how
  }
}

async function notReady(unit: string, how: string, { systemctl, report }: Server, since: Date): Promise<never> {
  report.journal(unit, await systemctl.journal(unit, since))
  throw new NotReady(unit, how)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function union(before: Manifest | undefined, after: Manifest): Manifest['files'] {
  const earlier = (before?.files ?? []).filter(({ path }) => !after.files.some((file) => file.path === path))
  return [...after.files, ...earlier]
}

/** Any user that runs ops in the project's folder looks for the manifest. */
export function writeManifest(path: string, manifest: Manifest): void {
  writeJson(path, manifest, { mode: 0o644, folderMode: 0o755, sync: true })
}
