import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { toDurationText } from '../config/duration.ts'
import { formatDuration } from '../format.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim, TaskId } from '../queue/queue.ts'
import type { Outcome, OutcomeKind } from '../task/outcome.ts'
import { applyRetryRules } from '../task/retry-rules.ts'
import type { TaskIdOf } from '../task-table/task-table.ts'
import { AbortReason } from '../worker/abort-reason.ts'
import { writeEnd } from '../worker/end-writer.ts'
import { outcomeOfDead, outcomeOfUnmet } from '../worker/outcomes.ts'
import { performTask } from '../worker/perform-task.ts'
import { RunContext, type RunEnvironment } from '../worker/run-context.ts'
import { logFile } from '../worker/task-log.ts'

/** How long `until` waits. Long, because a loaded machine takes its time. */
const UNTIL_TIMEOUT_MS = 60_000

/** One call of `context.progress`. */
export interface ProgressReport {
  /** From 0 to 1. */
  readonly fraction: number
  readonly note: string | undefined
}

/** A run that has ended, and its task afterwards. */
export interface FinishedTask<Select extends object = object> {
  /** The task's row, read after the run. Its `status` is `pending` if the task will be retried. */
  readonly task: Select
  /** How the run ended, as in `ops tasks show`: `succeeded`, `failed`, `timed_out`, `canceled`, … */
  readonly outcome: OutcomeKind
  /** The whole log of the run: what `log` and the programs of `exec` wrote. */
  readonly log: string
  /** The reports of `progress`, in order. */
  readonly progress: readonly ProgressReport[]
}

/** A task that is being performed. The test waits for it, or ends it early. */
export class RunningTask<Select extends object = object> {
  readonly id: TaskIdOf<Select>
  /** Resolves when the run has ended. It does not reject if the task fails: see `outcome` and `task.error`. */
  readonly ended: Promise<FinishedTask<Select>>
  /** The reports of `progress` so far. */
  readonly progress: ProgressReport[] = []
  readonly #claim: Claim
  readonly #environment: RunEnvironment
  readonly #context: RunContext

  /** Made by `TestBench`. */
  constructor(claim: Claim, ready: ReadyProcessor, environment: RunEnvironment) {
    this.id = claim.run.taskId as TaskIdOf<Select>
    this.#claim = claim
    this.#environment = environment
    this.#context = new RunContext(claim, ready.settings, environment)
    const { progress } = this.#context
    this.#context.progress = (fraction, note) => {
      this.progress.push({ fraction, note })
      progress(fraction, note)
    }
    this.ended = this.#perform(ready)
  }

  /** The log of the run so far. */
  get log(): string {
    const { queued, taskId, attempt } = this.#claim.run
    const file = logFile(this.#environment.stateDirectory, queued.table.name, taskId, attempt)
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /**
   * Waits until the log or a progress note contains a text.
   *
   * @throws Error after 60 s, with the log
   */
  async until(text: string): Promise<void> {
    const deadline = performance.now() + UNTIL_TIMEOUT_MS
    const isFound = () => this.log.includes(text) || this.progress.some(({ note }) => note?.includes(text))
    while (!isFound()) {
      if (performance.now() > deadline) {
        throw new Error(
          `Timed out after ${formatDuration(UNTIL_TIMEOUT_MS)} waiting for "${text}". The log is:\n${this.log}`,
        )
      }
      await delay(5)
    }
  }

  /** Cancels the task, like `ops tasks cancel`: its outcome is `canceled`. */
  async cancel(by = 'the test'): Promise<FinishedTask<Select>> {
    return this.#end(AbortReason.canceled(by))
  }

  /** Ends the task as if its `timeout` were over: its outcome is `timed_out`. */
  async timeOut(): Promise<FinishedTask<Select>> {
    const { timeout } = this.#claim.run.queued
    return this.#end(AbortReason.timedOut(timeout === undefined ? 'any time' : toDurationText(timeout)))
  }

  /** Ends the task as if its worker were stopped: its outcome is `interrupted`. */
  async interrupt(): Promise<FinishedTask<Select>> {
    return this.#end(AbortReason.interrupted())
  }

  /**
   * Ends the task as if its worker had died and another one had recovered it: its outcome is `crashed`, or `quarantined`
   * after the third crash. Programs it has started are killed. The processor's code goes on with an aborted signal, but
   * nothing that it does is written.
   */
  async crash(): Promise<FinishedTask<Select>> {
    const { queue } = this.#environment
    const run = (await queue.openRuns()).find(({ id }) => id === this.#claim.run.id)
    const outcome = run && outcomeOfDead(run, this.#claim.run.queued)
    if (outcome) await queue.settleDead(run, this.#claim.run.queued, outcome)
    const ended = await this.#end(AbortReason.takenAway())
    return outcome ? { ...ended, outcome: outcome.kind } : ended
  }

  async #end(reason: AbortReason): Promise<FinishedTask<Select>> {
    this.#context.abort(reason)
    return this.ended
  }

  async #settle(outcome: Outcome): Promise<Outcome> {
    const { queue } = this.#environment
    const end = await writeEnd(queue, outcome, (as) => queue.settle(this.#claim.run, as))
    if ('refusal' in end) throw end.refusal
    return end.outcome
  }

  async #perform(ready: ReadyProcessor): Promise<FinishedTask<Select>> {
    const { run, unmet } = this.#claim
    const { queue } = this.#environment
    const nameOf = (table: string, id: TaskId) => `${table} ${id}`
    const performed = unmet
      ? outcomeOfUnmet(unmet, nameOf)
      : (await performTask(this.#claim, ready, this.#context)).outcome
    const outcome =
      performed && performed.kind !== 'succeeded'
        ? applyRetryRules(performed, run.queued.retryRules, { attempt: run.attempt })
        : performed
    const written = outcome && (await this.#settle(outcome))
    const task = (await queue.find(run.queued.table, run.taskId)) as Select
    return { task, outcome: written?.kind ?? 'crashed', log: this.log, progress: this.progress }
  }
}
