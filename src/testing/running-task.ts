import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { toDurationText } from '../config/duration.ts'
import { ResultRefusedError } from '../errors.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim, TaskId } from '../queue/queue.ts'
import type { Outcome, OutcomeKind } from '../task/outcome.ts'
import { tryAgain } from '../task/try-again.ts'
import type { TaskIdOf } from '../task-table/task-table.ts'
import { AbortReason } from '../worker/abort-reason.ts'
import { outcomeOfDead, outcomeOfRefused, outcomeOfUnmet } from '../worker/outcomes.ts'
import { performTask } from '../worker/perform-task.ts'
import { RunContext, type RunEnvironment } from '../worker/run-context.ts'
import { logFile } from '../worker/task-log.ts'

/** How long `until` waits before it gives up. */
const PATIENCE_MS = 10_000

export interface ProgressReport {
  readonly fraction: number
  readonly note: string | undefined
}

/** A run that has ended, and its task as it is then: `pending` again where it will be retried. */
export interface FinishedTask<Select extends object = object> {
  readonly task: Select
  /** How the run ended. */
  readonly outcome: OutcomeKind
  /** Everything that the run wrote to its log. */
  readonly log: string
  /** What it reported, in order. */
  readonly progress: readonly ProgressReport[]
}

/** A task that is being performed, with its fate in the hands of the test. */
export class RunningTask<Select extends object = object> {
  readonly id: TaskIdOf<Select>
  /** When the run has ended, however it did: a task that fails does not reject. */
  readonly ended: Promise<FinishedTask<Select>>
  /** What it has reported so far. */
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

  /** What the run has written to its log so far. */
  get log(): string {
    const { queued, taskId, attempt } = this.#claim.run
    const file = logFile(this.#environment.stateDirectory, queued.table.name, taskId, attempt)
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /** Waits until the log, or a note of the progress, holds a text: then the task is that far. */
  async until(text: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    const isThere = () => this.log.includes(text) || this.progress.some(({ note }) => note?.includes(text))
    while (!isThere()) {
      if (performance.now() > deadline) throw new Error(`gave up waiting for "${text}"; the log is:\n${this.log}`)
      await delay(5)
    }
  }

  /** Ends the task as `ops tasks cancel` does. */
  async cancel(by = 'the test'): Promise<FinishedTask<Select>> {
    return this.#end(AbortReason.canceled(by))
  }

  /** Ends the task as at the end of its `timeout`, without the wait. */
  async timeOut(): Promise<FinishedTask<Select>> {
    const { timeout } = this.#claim.run.queued
    return this.#end(AbortReason.timedOut(timeout === undefined ? 'any time' : toDurationText(timeout)))
  }

  /** Ends the task as a worker does that is made to stop. */
  async interrupt(): Promise<FinishedTask<Select>> {
    return this.#end(AbortReason.interrupted())
  }

  /**
   * Ends the task as if its worker had died: what it started is killed, and the next worker decides. The code of the
   * processor cannot be killed; it sees its signal abort, and nothing that it does from then on is written.
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
    try {
      await this.#environment.queue.settle(this.#claim.run, outcome)
      return outcome
    } catch (error) {
      if (error instanceof ResultRefusedError) return this.#settle(outcomeOfRefused(outcome, error))
      throw error
    }
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
        ? tryAgain(performed, run.queued.retryRules, { attempt: run.attempt })
        : performed
    const written = outcome && (await this.#settle(outcome))
    const task = (await queue.find(run.queued.table, run.taskId)) as Select
    return { task, outcome: written?.kind ?? 'crashed', log: this.log, progress: this.progress }
  }
}
