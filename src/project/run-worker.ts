import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { parseSize } from '../config/size.ts'
import { OpsError, type Problem, toProblem } from '../errors.ts'
import { formatCount } from '../format.ts'
import { stopOnSignals } from '../platform/stop.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { missingColumns } from '../queue/table-columns.ts'
import { takeNotification, WorkerNotifier } from '../systemd/worker-notifier.ts'
import type { Pruner } from '../worker/pruner.ts'
import type { RunEnvironment } from '../worker/run-context.ts'
import { Scheduler } from '../worker/scheduler.ts'
import { Worker, type WorkOptions, type WorkSummary } from '../worker/worker.ts'
import { WorkerLog } from '../worker/worker-log.ts'
import { isServer, migrateProject, missingTables } from './migrate-project.ts'
import type { Project } from './open-project.ts'
import { requireProcessors, tasksWithoutProcessor } from './required-processors.ts'
import { taskNames } from './task-names.ts'

export interface RunWorkerOptions extends WorkOptions {
  /** The processors to run; all if undefined. */
  readonly only: readonly string[] | undefined
  /** Milliseconds. */
  readonly grace: number
  readonly version: string
  readonly asJson: boolean
  readonly write: (text: string) => void
}

/** How long a worker may take to close its connections whose task ignores that it must end. */
export const EXIT_WITHIN_MS = 3000

/**
 * Runs a worker until it is stopped, or until `--once` or `--drain` ends it.
 *
 * @throws OpsError UNKNOWN_PROCESSOR before anything is migrated
 */
export async function runWorker(project: Project, options: RunWorkerOptions): Promise<WorkSummary> {
  // A mistyped name changes nothing.
  for (const name of options.only ?? []) project.registry.find(name)
  const log = new WorkerLog(options.write, options.asJson)
  const watched = takeNotification(process.env)
  const onFailure = (error: Error) =>
    log.problem({
      code: 'NOTIFY_FAILED',
      severity: 'warning',
      message: `Cannot notify systemd: ${error.message}.`,
      suggestions: [],
    })
  const notifier = watched && new WorkerNotifier({ ...watched, pollIntervalMs: options.pollInterval, onFailure })
  const stop = stopOnSignals({
    graceMs: options.grace,
    onStep: (step, signal) => {
      log.stopping(step, signal)
      notifier?.stopping()
    },
  })
  project.queue.hearStop?.(stop.requested)
  try {
    if (!isServer(process.env)) await migrateAndLog(project, log)
    const schedules = await project.schedules()
    project.retention()
    const processors = await usableProcessors(project, options.only, (problem) => log.problem(problem))
    // The host for people, the pid for `ps`, and a random part since pids are reused.
    const id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
    await project.queue.startWorker({ id, host: hostname(), pid: process.pid, version: options.version })
    log.polling(
      processors.map(({ queued }) => queued.processor),
      project.queue.name,
    )
    const { queue, stateDirectory, directory } = project
    const nameOf = await taskNames(project)
    const scheduler = new Scheduler(queue, schedules, log)
    const prepare = async () => {
      await (isServer(process.env) ? requireMigrated(project) : migrateAndLog(project, log))
      await scheduler.start()
    }
    const { maxLog: size } = project.config.worker ?? {}
    const maxLog = size === undefined ? undefined : parseSize(size, 'worker.maxLog')
    const environment = { queue, stateDirectory, projectDirectory: directory, workerId: id, maxLog, prepare }
    await scheduler.start()
    try {
      const worker = new Worker(processors, environment, stop, log, nameOf, notifier)
      return await worker.work({ ...options, pruner: await prunerOf(project, environment, log) })
    } finally {
      await scheduler.stop()
    }
  } catch (error) {
    if (error instanceof OpsError && error.code === 'TASK_STUCK' && project.queue.lease) exitSoon(error, log)
    throw error
  } finally {
    stop.dispose()
    await notifier?.close()
    log.stopped()
  }
}

/** It prunes the tables of all processors, whichever of them this worker runs. */
async function prunerOf(project: Project, environment: RunEnvironment, log: WorkerLog): Promise<Pruner | undefined> {
  const retention = project.retention()
  if (!retention) return undefined
  const { Pruner } = await import('../worker/pruner.ts')
  return new Pruner(await project.processorsWithTable(), retention, environment, log)
}

async function migrateAndLog(project: Project, log: WorkerLog): Promise<void> {
  const { steps } = await migrateProject(project)
  if (steps.length > 0) log.migrated(steps)
}

/** @throws OpsError MIGRATIONS_PENDING */
async function requireMigrated(project: Project): Promise<void> {
  const { steps } = await migrateProject(project, { check: true })
  const count = steps.filter(({ kind }) => kind === 'migration').length
  if (count === 0) return
  const message = `${project.queue.name} has ${formatCount(count, 'pending migration')}; nothing is claimed from it.`
  throw new OpsError('MIGRATIONS_PENDING', message, { suggestions: ['ops migrate'] })
}

/** Another worker may soon take the task over, and a database that does not answer must not delay the end of this one. */
function exitSoon(error: OpsError, log: WorkerLog): void {
  const exit = () => {
    log.problem(toProblem(error))
    log.stopped()
    process.exit(error.oclif.exit)
  }
  setTimeout(exit, EXIT_WITHIN_MS).unref()
}

/** The requested processors whose tables exist. Each one that is skipped is reported. */
async function usableProcessors(
  project: Project,
  only: readonly string[] | undefined,
  report: (problem: Problem) => void,
): Promise<ReadyProcessor[]> {
  // Named and needed processors must load. Any other that is broken stops nothing.
  if (only) for (const name of only) await project.processor(name)
  const { ready, failed } = await project.processors()
  if (!only) {
    await requireProcessors(project)
    const broken = failed.map(({ declared, error }) => toProblem(error, declared.name))
    for (const problem of [...broken, ...(await tasksWithoutProcessor(project))]) report(asWarning(problem))
  }
  const wanted = ready.filter(({ queued }) => !only || only.includes(queued.processor))
  const tableless = await missingTables(project, wanted)
  const usable: ReadyProcessor[] = []
  for (const candidate of wanted) {
    const { processor, table } = candidate.queued
    const missing = await missingColumns(project.queue.records, table)
    const notMade = tableless.get(processor)
    if (missing?.length === 0) usable.push(candidate)
    else if (notMade) report(asWarning(notMade))
    else {
      const message = missing
        ? `The table "${table.name}" of "${processor}" has no column ${missing.join(', ')}.`
        : `The table "${table.name}" of "${processor}" does not exist.`
      const severity = 'warning'
      report({ code: 'TASK_TABLE_MISSING', severity, where: processor, message, suggestions: ['ops migrate'] })
    }
  }
  return usable
}

/** The worker runs without it. */
function asWarning(problem: Problem): Problem {
  return { ...problem, severity: 'warning' }
}
