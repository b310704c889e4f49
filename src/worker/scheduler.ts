import type { Queue } from '../queue/queue.ts'
import { dueTick, nextTick, type Schedule } from './schedule.ts'
import type { WorkerLog } from './worker-log.ts'

/** The longest sleep: the clock may be changed, and a laptop may be asleep. */
const LONGEST_SLEEP_MS = 30_000

/** Between attempts while the database is unavailable. */
const RETRY_MS = 1000

/**
 * Enqueues the tasks of schedules at their times, also while a task runs. Every worker does so; the database accepts each
 * tick once.
 */
export class Scheduler {
  readonly #queue: Queue
  readonly #schedules: readonly Schedule[]
  readonly #log: WorkerLog
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #isStopped = false

  constructor(queue: Queue, schedules: readonly Schedule[], log: WorkerLog) {
    this.#queue = queue
    this.#schedules = schedules
    this.#log = log
  }

  /** Resolves when what is due now is enqueued. */
  async start(): Promise<void> {
    if (this.#schedules.length > 0) await this.#tick()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#working
  }

  async #tick(): Promise<void> {
    let wait = RETRY_MS
    this.#working = this.#enqueueDue()
      .then(() => {
        wait = this.#untilNext()
      })
      .catch((error) => this.#log.databaseFailed('enqueueing scheduled tasks', error, RETRY_MS))
    await this.#working
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#tick(), wait)
  }

  async #enqueueDue(): Promise<void> {
    for (const schedule of this.#schedules) {
      const { since, lastTickAt } = await this.#queue.schedules.register(schedule.name, schedule.definition)
      const from = lastTickAt !== undefined && lastTickAt > since ? lastTickAt : since
      const due = dueTick(schedule, from, new Date())
      if (!due) continue
      const { queued, row } = schedule
      const task = due.isRun ? { table: queued.table, row } : undefined
      const result = await this.#queue.schedules.tick(schedule.name, due.at, task)
      if (result.isOurs) this.#log.ticked(schedule, due, result.task)
    }
  }

  #untilNext(): number {
    const now = new Date()
    const waits = this.#schedules.map(
      (schedule) => (nextTick(schedule, now)?.getTime() ?? Number.POSITIVE_INFINITY) - now.getTime(),
    )
    return Math.min(LONGEST_SLEEP_MS, ...waits)
  }
}
