import { setTimeout as delay } from 'node:timers/promises'
import { ResultRefusedError } from '../errors.ts'
import type { Stop } from '../platform/stop.ts'
import type { Claim, Divergence, Queue, QueuedTable, Run } from '../queue/queue.ts'
import type { Outcome } from '../task/outcome.ts'
import { outcomeOfRefused, outcomesOfUnwritable } from './outcomes.ts'
import type { WorkerLog } from './worker-log.ts'

/** Between attempts while the database is unavailable or full. */
export const RETRY_MS = [100, 500, 1000, 5000] as const

/** After this time the log says what a run's end waits for. */
const SAY_AFTER_MS = 2000

/** How long an unavailable database may keep a worker that must stop from stopping. */
const WITHIN_MS = 10_000

/** How a run ended, as it was written. */
export interface WrittenEnd {
  readonly outcome: Outcome
  /** False if the run was taken away, and so nothing was written. */
  readonly held: boolean
  readonly divergence?: Divergence | undefined
  readonly next?: Claim | undefined
}

/** No end of this run can be written: it stays open. */
export interface UnwrittenEnd {
  readonly refusal: Error
}

/** Writes the ends of a worker's runs, which must not be lost. */
export class EndWriter {
  readonly #queue: Queue
  readonly #stop: Stop
  readonly #log: WorkerLog
  readonly #onFailure: () => void
  #giveUp: (() => void) | undefined
  #lastError: unknown

  /** @param onFailure called after each attempt that failed */
  constructor(queue: Queue, stop: Stop, log: WorkerLog, onFailure: () => void) {
    this.#queue = queue
    this.#stop = stop
    this.#log = log
    this.#onFailure = onFailure
    stop.requested.addEventListener('abort', () => this.#limit(this.#giveUp), { once: true })
    stop.forced.addEventListener('abort', () => this.#giveUp?.(), { once: true })
  }

  /**
   * Writes the end of a run, and claims the next task in the same transaction. An unavailable database comes back, so this is
   * repeated until it is done or the worker has to stop: then the run is left to recovery.
   *
   * @returns undefined if it is left to recovery, which the log says
   */
  write(run: Run, outcome: Outcome, next: readonly QueuedTable[]): Promise<WrittenEnd | UnwrittenEnd | undefined> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const giveUp = () => {
        if (isOver) return
        isOver = true
        clearTimeout(waiting)
        this.#log.leftToRecovery(run, outcome, this.#lastError)
        resolve(undefined)
      }
      const waiting = setTimeout(() => this.#log.waitingToEnd(run, outcome, this.#lastError), SAY_AFTER_MS)
      this.#giveUp = giveUp
      this.#lastError = undefined
      if (this.#stop.requested.aborted) this.#limit(giveUp)
      this.#untilWritten(run, outcome, next, () => isOver)
        .then((end) => {
          if (end && !isOver) resolve(end)
          else giveUp()
          isOver = true
        })
        .catch(reject)
        .finally(() => clearTimeout(waiting))
    })
  }

  #limit(giveUp: (() => void) | undefined): void {
    if (giveUp) setTimeout(giveUp, WITHIN_MS).unref()
  }

  async #untilWritten(
    run: Run,
    outcome: Outcome,
    next: readonly QueuedTable[],
    isOver: () => boolean,
  ): Promise<WrittenEnd | UnwrittenEnd | undefined> {
    const { requested, forced } = this.#stop
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#attempt(run, outcome, requested.aborted ? [] : next)
      } catch (error) {
        this.#lastError = error
        if (isOver() || forced.aborted) return undefined
        this.#onFailure()
        const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!
        this.#log.databaseFailed('settling a task', error, pause)
        await delay(pause, undefined, { signal: forced }).catch(() => {})
        if (isOver()) return undefined
      }
    }
  }

  async #attempt(run: Run, outcome: Outcome, next: readonly QueuedTable[]): Promise<WrittenEnd | UnwrittenEnd> {
    try {
      return { outcome, ...(await this.#queue.settle(run, outcome, next)) }
    } catch (error) {
      // The refusal may be that of the claim.
      if (isFinal(this.#queue, error)) return writeEnd(this.#queue, outcome, (end) => this.#queue.settle(run, end))
      throw error
    }
  }
}

/**
 * Writes the end of a run; if the database refuses it for good, a failure instead that says so.
 *
 * @param write writes an outcome, and throws what the database says
 */
export async function writeEnd<Written extends object>(
  queue: Pick<Queue, 'isRefusal'>,
  outcome: Outcome,
  write: (outcome: Outcome) => Promise<Written>,
): Promise<(Written & { outcome: Outcome }) | UnwrittenEnd> {
  let refusal: Error | undefined
  for (let ends: readonly Outcome[] = [outcome]; ends.length > 0; ) {
    const [end, ...rest] = ends
    try {
      return { ...(await write(end!)), outcome: end! }
    } catch (error) {
      if (!isFinal(queue, error)) throw error
      const isFirst = refusal === undefined
      refusal ??= error as Error
      const isOfColumns = isFirst && error instanceof ResultRefusedError
      ends = isFirst
        ? [...(isOfColumns ? [outcomeOfRefused(outcome, error)] : []), ...outcomesOfUnwritable(outcome, causeOf(error))]
        : rest
    }
  }
  return { refusal: causeOf(refusal) }
}

function isFinal(queue: Pick<Queue, 'isRefusal'>, error: unknown): boolean {
  return error instanceof ResultRefusedError || queue.isRefusal(error)
}

/** What the database said. */
function causeOf(error: unknown): Error {
  return (error instanceof ResultRefusedError ? error.cause : error) as Error
}
