import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Problem } from '../errors.ts'
import { stopOnSignals } from '../platform/stop.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { takeNotification, WorkerNotifier } from '../systemd/worker-notifier.ts'
import { Scheduler } from '../worker/scheduler.ts'
import { Worker, type WorkOptions, type WorkSummary } from '../worker/worker.ts'
import { WorkerLog } from '../worker/worker-log.ts'
import { type ListedProblem, problemIn } from './list-processors.ts'
import { isServer, migrateProject } from './migrate-project.ts'
import { needProcessors, tasksOfNobody } from './needed-processors.ts'
import type { Project } from './open-project.ts'
import { taskNames } from './task-names.ts'
import { unmadeTables } from './unmade-tables.ts'

export interface RunWorkerOptions extends WorkOptions {
  /** The processors whose tasks it takes; all when undefined. */
  readonly only: readonly string[] | undefined
  /** Milliseconds. */
  readonly grace: number
  readonly version: string
  readonly asJson: boolean
  readonly write: (text: string) => void
}

/** Runs a worker of the project until it is stopped or has done what it was asked to. */
export async function runWorker(project: Project, options: RunWorkerOptions): Promise<WorkSummary> {
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
  try {
    if (!isServer(process.env)) {
      const { steps } = await migrateProject(project)
      if (steps.length > 0) log.migrated(steps.length)
    }
    const schedules = await project.schedules()
    const processors = await usableProcessors(project, options.only, (problem) => log.problem(problem))
    // The host for people, the pid for `ps`, and a random part since pids are reused.
    const id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
    await project.queue.startWorker({ id, host: hostname(), pid: process.pid, version: options.version })
    log.polling(
      processors.map(({ queued }) => queued.processor),
      project.queue.name,
    )
    const { queue, stateDirectory, directory } = project
    const environment = { queue, stateDirectory, projectDirectory: directory, workerId: id }
    const nameOf = await taskNames(project)
    const scheduler = new Scheduler(queue, schedules, log)
    await scheduler.start()
    try {
      return await new Worker(processors, environment, stop, log, nameOf, notifier).work(options)
    } finally {
      await scheduler.stop()
    }
  } finally {
    stop.dispose()
    await notifier?.close()
    log.stopped()
  }
}

/** The requested processors whose tables exist; each one that is left out is reported. */
async function usableProcessors(
  project: Project,
  only: readonly string[] | undefined,
  leaveOut: (problem: Problem) => void,
): Promise<ReadyProcessor[]> {
  // Named and needed processors must load; of the others, a broken one stops nothing.
  if (only) for (const name of only) await project.processor(name)
  const { ready, errors } = await project.processors()
  if (!only) {
    await needProcessors(project)
    for (const problem of [...errors.map(problemIn), ...(await tasksOfNobody(project))]) leaveOut(warning(problem))
  }
  const wanted = ready.filter(({ queued }) => !only || only.includes(queued.processor))
  const unmade = await unmadeTables(project, wanted)
  const usable: ReadyProcessor[] = []
  for (const candidate of wanted) {
    const { processor, table } = candidate.queued
    const missing = await project.queue.missingColumns(table)
    if (missing?.length === 0) usable.push(candidate)
    else if (unmade.has(processor) && !missing) leaveOut(warning(problemIn(unmade.get(processor)!)))
    else {
      const message = missing
        ? `The table "${table.name}" of "${processor}" has no column ${missing.join(', ')}.`
        : `The table "${table.name}" of "${processor}" does not exist.`
      leaveOut(warning({ code: 'TASK_TABLE_MISSING', message, suggestions: ['ops migrate'] }))
    }
  }
  return usable
}

function warning(problem: ListedProblem): Problem {
  return { ...problem, severity: 'warning' }
}
