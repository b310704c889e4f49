import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import { takeNotification, WorkerNotifier } from '../systemd/worker-notifier.ts'
import { Scheduler } from '../worker/scheduler.ts'
import { stopOnSignals } from '../worker/stop.ts'
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
  const onFailure = (error: Error) => log.leftOut(`systemd cannot be told how it goes: ${error.message}`)
  const notifier = watched && new WorkerNotifier({ ...watched, pollIntervalMs: options.pollInterval, onFailure })
  const stop = stopOnSignals(options.grace, (step, signal) => {
    log.stopping(step, signal)
    notifier?.stopping()
  })
  try {
    if (!isServer(process.env)) {
      const { steps } = await migrateProject(project)
      if (steps.length > 0) log.migrated(steps.length)
    }
    const schedules = await project.schedules()
    const processors = await usableProcessors(project, options.only, (problem) => log.leftOut(problem))
    // The host for people, the pid for `ps`, and chance against a pid that comes again.
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

/** The processors that were asked for, whose tables are there; each one that is left out is told. */
async function usableProcessors(
  project: Project,
  only: readonly string[] | undefined,
  leaveOut: (problem: string) => void,
): Promise<ReadyProcessor[]> {
  // Those that are named must work, and those that are needed; of the others one that is broken takes nobody down.
  if (only) for (const name of only) await project.processor(name)
  const { ready, errors } = await project.processors()
  if (!only) {
    await needProcessors(project)
    for (const problem of [...errors.map(problemIn), ...(await tasksOfNobody(project))]) leaveOut(withAdvice(problem))
  }
  const wanted = ready.filter(({ queued }) => !only || only.includes(queued.processor))
  const unmade = await unmadeTables(project, wanted)
  const usable: ReadyProcessor[] = []
  for (const candidate of wanted) {
    const { processor, table } = candidate.queued
    const missing = await project.queue.missingColumns(table)
    if (missing?.length === 0) usable.push(candidate)
    else if (missing)
      leaveOut(`The table "${table.name}" of "${processor}" lacks ${missing.join(', ')}; run ops migrate.`)
    else if (unmade.has(processor)) leaveOut(withAdvice(problemIn(unmade.get(processor)!)))
    else leaveOut(`The table "${table.name}" of "${processor}" does not exist; run ops migrate.`)
  }
  return usable
}

function withAdvice({ message, suggestions }: ListedProblem): string {
  return suggestions.length === 0 ? message : `${message} Try this: ${suggestions.join('; ')}.`
}
