import { setTimeout as delay } from 'node:timers/promises'
import { failpoint } from '../failpoint.ts'
import { LONGEST_TIMER_MS, type Stop } from '../platform/stop.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim, Queue, QueuedTable, Run, TaskId } from '../queue/queue.ts'
import { type Outcome, statusAfter } from '../task/outcome.ts'
import { applyRetryRules } from '../task/retry-rules.ts'
import { ClaimedTables, type OpenEnd } from './claimed-tables.ts'
import { EndWriter, RETRY_MS, writeEnd } from './end-writer.ts'
import { GuaranteeKeeper } from './guarantee-keeper.ts'
import { outcomeOfUnmet } from './outcomes.ts'
import { performTask, taskStuck } from './perform-task.ts'
import { Recovery } from './recovery.ts'
import { RunContext, type RunEnvironment } from './run-context.ts'
import { RunWatch } from './run-watch.ts'
import type { WorkerLog } from './worker-log.ts'

export interface WorkOptions {
  /** Exits when no task is due. */
  readonly drain?: boolean
  /** Exits after one task. */
  readonly once?: boolean
  /** Milliseconds. */
  readonly pollInterval: number
  /** Milliseconds for which a task may be due before its table has a turn; unlimited by default. */
  readonly starvation?: number | undefined
}

/** How many runs a worker ended, and how; `returned`: their task is pending again. */
export interface WorkSummary {
  succeeded: number
  failed: number
  canceled: number
  returned: number
}

const SUMMARY_KEY = { succeeded: 'succeeded', failed: 'failed', canceled: 'canceled', pending: 'returned' } as const

/** What is told how a worker is doing; on a server, systemd. */
export interface WorkerObserver {
  polling(): void
  /** The loop went round, or the database was tried again. */
  progressed(): void
  /** @param timeoutMs how long the task may take, where it is limited */
  started(task: string, timeoutMs: number | undefined): void
  ended(): void
}

const noObserver: WorkerObserver = { polling() {}, progressed() {}, started() {}, ended() {} }

/** Claims and performs tasks, one at a time. */
export class Worker {
  readonly #queue: Queue
  readonly #processors: ReadonlyMap<string, ReadyProcessor>
  readonly #tables: readonly QueuedTable[]
  readonly #claimed: ClaimedTables
  readonly #ends: EndWriter
  readonly #recovery: Recovery
  readonly #guarantees: GuaranteeKeeper
  readonly #environment: RunEnvironment
  readonly #stop: Stop
  readonly #log: WorkerLog
  readonly #nameOf: (table: string, id: TaskId) => string
  readonly #observer: WorkerObserver
  readonly #watch: RunWatch
  #recovering: NodeJS.Timeout | undefined
  #hasEnded = false
  readonly #summary: WorkSummary = { succeeded: 0, failed: 0, canceled: 0, returned: 0 }

  /**
   * @param processors in the order their tables are searched
   * @param nameOf the name of a task for people, by its table, which may be another worker's
   */
  constructor(
    processors: readonly ReadyProcessor[],
    environment: RunEnvironment,
    stop: Stop,
    log: WorkerLog,
    nameOf = (table: string, id: TaskId) => `${table} ${id}`,
    observer: WorkerObserver = noObserver,
  ) {
    this.#queue = environment.queue
    this.#processors = new Map(processors.map((ready) => [ready.queued.processor, ready]))
    this.#tables = processors.map(({ queued }) => queued)
    this.#watch = new RunWatch(environment.queue, stop, log)
    this.#environment = { ...environment, lease: this.#watch.lease }
    this.#stop = stop
    this.#log = log
    this.#nameOf = nameOf
    this.#observer = observer
    this.#claimed = new ClaimedTables(this.#queue, this.#tables, log)
    this.#recovery = new Recovery(environment, this.#tables, log)
    this.#guarantees = new GuaranteeKeeper(this.#queue, this.#tables, log)
    this.#ends = new EndWriter(this.#queue, stop, log, () => observer.progressed())
  }

  /**
   * Claims and performs tasks until the stop, or as long as the options say.
   *
   * @throws OpsError TASK_STUCK
   */
  async work({ drain = false, once = false, pollInterval, starvation }: WorkOptions): Promise<WorkSummary> {
    this.#watch.start()
    if (starvation !== undefined) this.#claimed.limitWaits(starvation)
    await this.#claimed.record()
    await this.#recover()
    this.#recoverLater()
    this.#observer.polling()
    try {
      let claim: Claim | undefined
      for (;;) {
        this.#observer.progressed()
        // A claimed task is performed, even when the stop came during the claim.
        claim ??= this.#stop.requested.aborted ? undefined : await this.#claim()
        if (!claim) {
          if (drain || this.#stop.requested.aborted) break
          await this.#wait(pollInterval)
          continue
        }
        claim = await this.#perform(claim, once)
        if (once) break
      }
      for (const { run, outcome } of await this.#claimed.writeEnds((end) => this.#writeOpen(end))) {
        this.#log.leftToRecovery(run, outcome, undefined)
      }
      return this.#summary
    } finally {
      clearTimeout(this.#recovering)
      this.#hasEnded = true
      this.#watch.stop()
    }
  }

  async #perform(claim: Claim, once: boolean): Promise<Claim | undefined> {
    const { queued, taskId } = claim.run
    this.#log.started(claim.run)
    this.#claimed.lookForStarving()
    this.#observer.started(`${queued.processor} ${taskId}`, queued.timeout)
    const startedAt = performance.now()
    failpoint('run.before')
    const { outcome, isStuck } = claim.unmet
      ? { outcome: outcomeOfUnmet(claim.unmet, this.#nameOf), isStuck: false }
      : await this.#performWithContext(claim)
    failpoint('run.after')
    const stuck = isStuck ? taskStuck(`${queued.processor} ${taskId}`, this.#stop.forced.aborted) : undefined
    // It must have ended before another worker takes the task over: the database is not waited for.
    if (stuck && !this.#watch.lease.isHeld) throw stuck
    const more = once || stuck ? [] : this.#claimed.inOrder
    const next = outcome ? await this.#settle(claim.run, outcome, more, performance.now() - startedAt) : undefined
    this.#observer.ended()
    if (!outcome) this.#log.takenAway(claim.run)
    if (stuck) throw stuck
    return next
  }

  async #performWithContext(claim: Claim): Promise<{ outcome: Outcome | undefined; isStuck: boolean }> {
    const ready = this.#processors.get(claim.run.queued.processor)!
    const context = new RunContext(claim, ready.settings, this.#environment)
    await this.#watch.begin(claim.run, context)
    const { outcome, isStuck } = await performTask(claim, ready, context)
    this.#watch.end()
    if (!outcome || outcome.kind === 'succeeded') return { outcome, isStuck }
    const { retryRules } = claim.run.queued
    return { outcome: applyRetryRules(outcome, retryRules, { attempt: claim.run.attempt }), isStuck }
  }

  async #settle(
    run: Run,
    outcome: Outcome,
    next: readonly QueuedTable[],
    milliseconds: number,
  ): Promise<Claim | undefined> {
    const end = await this.#ends.write(run, outcome, next)
    if (!end) return undefined
    if ('refusal' in end) {
      this.#log.notWritten()
      this.#claimed.drop(run.queued, end.refusal, { run, outcome, milliseconds })
      return undefined
    }
    this.#ended(run, end, milliseconds)
    this.#claimed.claimed(next, end.next)
    return end.next
  }

  #ended(run: Run, { held, outcome }: { held: boolean; outcome: Outcome }, milliseconds: number): void {
    if (held) {
      this.#summary[SUMMARY_KEY[statusAfter(outcome)]] += 1
      this.#log.ended(run, outcome, milliseconds)
    } else this.#log.takenAway(run)
  }

  async #claim(): Promise<Claim | undefined> {
    return this.#retry('claiming a task', () => this.#claimed.claim(this.#stop.requested), this.#stop.requested)
  }

  async #wait(pollInterval: number): Promise<void> {
    const atMost = Math.min(pollInterval, LONGEST_TIMER_MS)
    const wait = async () => {
      try {
        await this.#queue.waitForWork(this.#claimed.usable, atMost, this.#stop.requested)
      } catch (error) {
        // The next claim finds the table at fault.
        if (!this.#queue.isRefusal(error)) throw error
        await delay(RETRY_MS[0], undefined, { signal: this.#stop.requested }).catch(() => {})
      }
    }
    await this.#retry('waiting for a task', wait, this.#stop.requested)
  }

  /** Retries until it is done or the signal aborts: an unavailable database comes back. */
  async #retry<T>(what: string, attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (signal.aborted) return undefined
        this.#observer.progressed()
        const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!
        this.#log.databaseFailed(what, error, pause)
        // Not all workers at once: each may have lost its connection at the same moment.
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      }
    }
  }

  #recoverLater(): void {
    this.#recovering = setTimeout(async () => {
      await this.#recover()
      if (!this.#hasEnded) this.#recoverLater()
    }, this.#recovery.pause)
  }

  async #recover(): Promise<void> {
    try {
      await this.#recovery.recover()
      await this.#claimed.lookAgain((end) => this.#writeOpen(end))
      await this.#guarantees.look()
    } catch (error) {
      this.#log.databaseFailed('recovering runs', error, this.#recovery.pause)
    }
  }

  /** Writes an end that was refused before its table has changed. */
  async #writeOpen({ run, outcome, milliseconds }: OpenEnd): Promise<boolean> {
    const end = await writeEnd(this.#queue, outcome, (as) => this.#queue.settle(run, as))
    if ('refusal' in end) return false
    this.#ended(run, end, milliseconds)
    return true
  }
}
