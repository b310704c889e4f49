import { setTimeout as delay } from 'node:timers/promises'
import { ResultRefusedError, TaskStuckError } from '../errors.ts'
import { failpoint } from '../failpoint.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim, Queue, QueuedTable, Run, TaskId } from '../queue/queue.ts'
import { type Outcome, statusAfter } from '../task/outcome.ts'
import { tryAgain } from '../task/try-again.ts'
import { EndOfTask } from './end-of-task.ts'
import { performTask } from './perform-task.ts'
import { recoverDeadRuns } from './recovery.ts'
import { RunContext, type RunEnvironment } from './run-context.ts'
import type { Stop } from './stop.ts'
import { nobody, type Supervisor } from './supervisor.ts'
import { unmetOutcome } from './unmet-outcome.ts'
import { withoutColumns } from './without-columns.ts'
import type { WorkerLog } from './worker-log.ts'

/** How often the worker looks for runs of workers that died. */
const RECOVER_EVERY_MS = 5000

/** How often a running task is compared with its run, which somebody may have canceled or taken away. */
const CHECK_RUN_EVERY_MS = 400

/** Between attempts while the database is away or full. */
const TRY_AGAIN_MS = [100, 500, 1000, 5000] as const

export interface WorkOptions {
  /** Ends when nothing is due. */
  readonly drain?: boolean
  /** Ends after one task. */
  readonly once?: boolean
  /** Milliseconds. */
  readonly pollInterval: number
}

/** How many runs a worker ended, and how; `returned` are those whose task waits to be tried again. */
export interface WorkSummary {
  succeeded: number
  failed: number
  canceled: number
  returned: number
}

const summarized = { succeeded: 'succeeded', failed: 'failed', canceled: 'canceled', pending: 'returned' } as const

/** One process that claims and performs, one task at a time. */
export class Worker {
  readonly #queue: Queue
  readonly #processors: ReadonlyMap<string, ReadyProcessor>
  readonly #tables: readonly QueuedTable[]
  readonly #environment: RunEnvironment
  readonly #stop: Stop
  readonly #log: WorkerLog
  readonly #nameOf: (table: string, id: TaskId) => string
  readonly #supervisor: Supervisor
  #running: { claim: Claim; context: RunContext } | undefined
  readonly #summary: WorkSummary = { succeeded: 0, failed: 0, canceled: 0, returned: 0 }

  /**
   * @param processors in the order in which their tables are searched
   * @param nameOf how people name a task of a table, which may be another worker's
   */
  constructor(
    processors: readonly ReadyProcessor[],
    environment: RunEnvironment,
    stop: Stop,
    log: WorkerLog,
    nameOf = (table: string, id: TaskId) => `${table} ${id}`,
    supervisor: Supervisor = nobody,
  ) {
    this.#queue = environment.queue
    this.#processors = new Map(processors.map((ready) => [ready.queued.processor, ready]))
    this.#tables = processors.map(({ queued }) => queued)
    this.#environment = environment
    this.#stop = stop
    this.#log = log
    this.#nameOf = nameOf
    this.#supervisor = supervisor
  }

  /**
   * Claims and performs until the stop, or until the options say that it is enough.
   *
   * @throws TaskStuckError
   */
  async work({ drain = false, once = false, pollInterval }: WorkOptions): Promise<WorkSummary> {
    await this.#recover()
    const recovering = setInterval(() => void this.#recover(), RECOVER_EVERY_MS)
    const checking = setInterval(() => void this.#checkRun(), CHECK_RUN_EVERY_MS)
    const onForce = () => this.#running?.context.end(EndOfTask.interrupted())
    this.#stop.force.addEventListener('abort', onForce)
    this.#supervisor.polling()
    try {
      let claim: Claim | undefined
      for (;;) {
        this.#supervisor.progressed()
        // A task that is claimed is performed, even when the stop came with the very claim.
        claim ??= this.#stop.claiming.aborted ? undefined : await this.#claim()
        if (!claim) {
          if (drain || this.#stop.claiming.aborted) break
          await this.#wait(pollInterval)
          continue
        }
        claim = await this.#perform(claim, once)
        if (once) break
      }
      return this.#summary
    } finally {
      clearInterval(recovering)
      clearInterval(checking)
      this.#stop.force.removeEventListener('abort', onForce)
    }
  }

  async #perform(claim: Claim, once: boolean): Promise<Claim | undefined> {
    const { queued, taskId } = claim.run
    this.#log.started(claim.run)
    this.#supervisor.started(`${queued.processor} ${taskId}`, queued.timeout)
    const startedAt = performance.now()
    failpoint('run.before')
    const { outcome, isStuck } = claim.unmet
      ? { outcome: unmetOutcome(claim.unmet, this.#nameOf), isStuck: false }
      : await this.#performWithContext(claim)
    failpoint('run.after')
    const more = once || isStuck ? [] : this.#tables
    const next = outcome ? await this.#settle(claim.run, outcome, more, performance.now() - startedAt) : undefined
    this.#supervisor.ended()
    if (!outcome) this.#log.takenAway(claim.run)
    if (isStuck) throw new TaskStuckError(`${queued.processor} ${taskId}`, this.#stop.force.aborted)
    return next
  }

  async #performWithContext(claim: Claim): Promise<{ outcome: Outcome | undefined; isStuck: boolean }> {
    const ready = this.#processors.get(claim.run.queued.processor)!
    const context = new RunContext(claim, ready.settings, this.#environment)
    this.#running = { claim, context }
    if (this.#stop.force.aborted) context.end(EndOfTask.interrupted())
    const { outcome, isStuck } = await performTask(claim, ready, context)
    this.#running = undefined
    if (!outcome || outcome.kind === 'succeeded') return { outcome, isStuck }
    const { retryRules } = claim.run.queued
    return { outcome: tryAgain(outcome, retryRules, { attempt: claim.run.attempt }), isStuck }
  }

  /** The end of a run must not be lost, so only a forced stop ends the attempts; recovery decides the run then. */
  async #settle(
    run: Run,
    outcome: Outcome,
    next: readonly QueuedTable[],
    milliseconds: number,
  ): Promise<Claim | undefined> {
    const attempt = async () => {
      try {
        return await this.#queue.settle(run, outcome, this.#stop.claiming.aborted ? [] : next)
      } catch (error) {
        if (error instanceof ResultRefusedError) return error
        throw error
      }
    }
    const settled = await this.#untilDone('writing the end of a task', attempt, this.#stop.force)
    if (!settled) throw new Error(`run ${run.id} could not be ended before the worker had to stop`)
    if (settled instanceof ResultRefusedError) {
      return this.#settle(run, withoutColumns(outcome, settled), next, milliseconds)
    }
    if (settled.held) {
      this.#summary[summarized[statusAfter(outcome)]] += 1
      this.#log.ended(run, outcome, milliseconds)
    } else this.#log.takenAway(run)
    return settled.next
  }

  async #claim(): Promise<Claim | undefined> {
    return this.#untilDone('looking for a task', () => this.#queue.claim(this.#tables), this.#stop.claiming)
  }

  async #wait(pollInterval: number): Promise<void> {
    const wait = () => this.#queue.waitForWork(this.#tables, pollInterval, this.#stop.claiming)
    await this.#untilDone('waiting for a task', wait, this.#stop.claiming)
  }

  /** Tries again until it is done or the signal aborts: a database that is away comes back. */
  async #untilDone<T>(what: string, attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (signal.aborted) return undefined
        this.#supervisor.progressed()
        const pause = TRY_AGAIN_MS[Math.min(failures, TRY_AGAIN_MS.length - 1)]!
        this.#log.databaseFailed(what, error, pause)
        await delay(pause, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #recover(): Promise<void> {
    try {
      const recovered = await recoverDeadRuns(this.#environment, this.#tables)
      for (const { run, queued, outcome } of recovered) this.#log.recovered(run, queued, outcome)
    } catch (error) {
      this.#log.databaseFailed('recovering', error, RECOVER_EVERY_MS)
    }
  }

  async #checkRun(): Promise<void> {
    const running = this.#running
    if (!running) return
    // A database that cannot be asked says nothing about the run; the end of the run will.
    const state = await this.#queue.stateOf(running.claim.run).catch(() => undefined)
    if (!state) return
    if (!state.isHeld) running.context.end(EndOfTask.takenAway())
    else if (state.cancelRequestedBy !== undefined) running.context.end(EndOfTask.canceled(state.cancelRequestedBy))
  }
}
