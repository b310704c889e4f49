import { rmSync } from 'node:fs'
import { failpoint } from '../failpoint.ts'
import { endGroups, groupsWithEnvironment, stillRunning } from '../platform/process-group.ts'
import type { OpenRun, QueuedTable } from '../queue/queue.ts'
import { FOREIGN_WRITER } from '../queue/records.ts'
import type { Outcome } from '../task/outcome.ts'
import { writeEnd } from './end-writer.ts'
import { outcomeOfDead, outcomeOfOverdue } from './outcomes.ts'
import { type RunEnvironment, runMark, workDirectory } from './run-context.ts'
import type { WorkerLog } from './worker-log.ts'

/** Between SIGTERM and SIGKILL for processes that outlived their worker. Short: the task is decided only after it. */
const GRACE_MS = 400

/** A live worker ends its task within this time after the deadline, its processes included. */
const OVERDUE_MS = 15_000

/** How often a worker looks for runs of workers that died. */
const RECOVER_EVERY_MS = 5000

/** With more workers on a machine each looks less often, at its own moment, so that as many look in that time. */
const RECOVERERS = 4

/**
 * Settles the runs of workers that died, and runs long past their deadline, whose worker is stopped or hangs. What is
 * left of a run's processes on this machine is ended first, so that its exclusivity key is free only when nothing works
 * under it.
 */
export class Recovery {
  readonly #environment: RunEnvironment
  readonly #tables: readonly QueuedTable[]
  readonly #log: WorkerLog
  /** Runs of which the log says that they cannot be recovered. */
  readonly #refused = new Set<number>()
  #pause = RECOVER_EVERY_MS

  constructor(environment: RunEnvironment, tables: readonly QueuedTable[], log: WorkerLog) {
    this.#environment = environment
    this.#tables = tables
    this.#log = log
  }

  /** Milliseconds until the next look. */
  get pause(): number {
    return this.#pause
  }

  async recover(): Promise<void> {
    const { queue, workerId: own } = this.#environment
    const share = Math.max(1, ((await queue.workersHere?.()) ?? 1) / RECOVERERS)
    // Otherwise workers that started together would look together.
    this.#pause = share === 1 ? RECOVER_EVERY_MS : RECOVER_EVERY_MS * share * (0.5 + Math.random())
    // A foreign writer has no lock that could show its death.
    const runs = (await queue.openRuns()).filter(({ workerId }) => workerId !== own && workerId !== FOREIGN_WRITER)
    if (runs.length === 0) return
    const living = await queue.livingWorkersOf(runs)
    for (const run of runs) {
      const queued = this.#tables.find(({ table }) => table.name === run.taskTable)
      const isDead = !living.has(run.workerId)
      if (queued && (isDead || (run.overdue ?? 0) >= OVERDUE_MS)) await this.#settle(run, queued, isDead)
    }
  }

  async #settle(run: OpenRun, queued: QueuedTable, isDead: boolean): Promise<void> {
    const { queue, stateDirectory } = this.#environment
    failpoint('recover.before-ending-processes')
    await endProcesses(run)
    rmSync(workDirectory(stateDirectory, run.taskTable, run.taskId, run.attempt), { recursive: true, force: true })
    const outcome = isDead ? outcomeOfDead(run, queued) : outcomeOfOverdue(run, queued)
    const settle = async (as: Outcome) => ({ isSettled: await queue.settleDead(run, queued, as) })
    const end = await writeEnd(queue, outcome, settle)
    // It keeps no other run from being recovered.
    if ('refusal' in end) {
      if (!this.#refused.has(run.id)) this.#log.notRecovered(run, queued, end.refusal)
      this.#refused.add(run.id)
    } else if (end.isSettled) this.#log.recovered(run, queued, end.outcome)
    failpoint('recover.after-commit')
  }
}

async function endProcesses(run: OpenRun): Promise<void> {
  const recorded = stillRunning(run.processGroups, run.bootId).map(({ id }) => id)
  const marked = groupsWithEnvironment(`OPS_RUN=${runMark(run.workerId, run.id)}`)
  await endGroups([...new Set([...recorded, ...marked])], GRACE_MS)
}
