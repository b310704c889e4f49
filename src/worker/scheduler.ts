import { oneLine } from '../format.ts'
import type { Queue } from '../queue/queue.ts'
import type { ScheduleState } from '../queue/schedules.ts'
import { type DueTick, dueTick, nextTick, type Schedule } from './schedule.ts'
import type { WorkerLog } from './worker-log.ts'

/** The longest sleep: the clock may be changed, and a laptop may be asleep. */
const LONGEST_SLEEP_MS = 30_000

/** Between attempts while the database is unavailable, and the first pause of a schedule that fails. */
const RETRY_MS = 1000

/** A schedule whose task could not be added. */
interface Failing {
  readonly error: string
  readonly failures: number
  /** By the monotonic clock. */
  readonly retryAt: number
}

/**
 * Enqueues the tasks of schedules at their times, also while a task runs. Every worker does so; the database accepts each
 * tick once, and its clock is the one that counts.
 */
export class Scheduler {
  readonly #queue: Queue
  readonly #schedules: readonly Schedule[]
  readonly #log: WorkerLog
  readonly #failing = new Map<Schedule, Failing>()
  readonly #removed = new Set<string>()
  /** When this worker last looked at its schedules, by the clock of the database. */
  #lookedAt: Date | undefined
  /** The clock of the database minus that of this machine, in milliseconds. */
  #clockOffset = 0
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
    else await this.#removeOthers().catch((error) => this.#log.databaseFailed('reading schedules', error))
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
    clearTimeout(this.#timer)
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#tick(), wait)
  }

  async #enqueueDue(): Promise<void> {
    await this.#removeOthers()
    const now = await this.#queue.schedules.now()
    this.#clockOffset = now.getTime() - Date.now()
    for (const schedule of this.#schedules) {
      const { name, definition } = schedule
      const state = await this.#queue.schedules.register(name, definition, this.#lookedAt)
      const due = dueTick(schedule, await this.#from(schedule, state, now), now)
      if (due && (this.#failing.get(schedule)?.retryAt ?? 0) <= performance.now()) await this.#enqueue(schedule, due)
    }
    this.#lookedAt = now
  }

  /** From when ticks count. If it is so far ahead that ticks would be lost, a clock was wrong. */
  async #from(schedule: Schedule, { since, lastTickAt }: ScheduleState, now: Date): Promise<Date> {
    const from = lastTickAt !== undefined && lastTickAt > since ? lastTickAt : since
    const next = nextTick(schedule, now)
    if (next === undefined || from <= next) return from
    if (await this.#queue.schedules.restart(schedule.name, next, now)) this.#log.scheduleRestarted(schedule, from)
    return now
  }

  /** A schedule that fails keeps no other from its ticks; if the database is unavailable, this throws. */
  async #enqueue(schedule: Schedule, due: DueTick): Promise<void> {
    const { name, queued, row } = schedule
    const failing = this.#failing.get(schedule)
    const task = due.isRun ? { table: queued.table, row } : undefined
    try {
      const result = await this.#queue.schedules.tick(name, due.at, task)
      this.#failing.delete(schedule)
      if (result.isOurs) this.#log.ticked(schedule, due, result.task, failing?.error)
    } catch (cause) {
      const error = oneLine(cause)
      await this.#queue.schedules.fail(name, error)
      const failures = (failing?.failures ?? 0) + 1
      const pause = Math.min(LONGEST_SLEEP_MS, RETRY_MS * 2 ** (failures - 1))
      this.#failing.set(schedule, { error, failures, retryAt: performance.now() + pause })
      if (failing?.error !== error) this.#log.scheduleFailed(schedule, due, error)
    }
  }

  /** Schedules that are no longer in the configuration start over if they are added again. */
  async #removeOthers(): Promise<void> {
    const names = this.#schedules.map(({ name }) => name)
    const others = (await this.#queue.schedules.list()).map(({ name }) => name).filter((name) => !names.includes(name))
    if (others.length === 0) return
    await this.#queue.schedules.remove(others)
    for (const name of others) if (!this.#removed.has(name)) this.#log.scheduleRemoved(name)
    for (const name of others) this.#removed.add(name)
  }

  #untilNext(): number {
    const now = new Date(Date.now() + this.#clockOffset)
    const waits = this.#schedules.map(
      (schedule) => (nextTick(schedule, now)?.getTime() ?? Number.POSITIVE_INFINITY) - now.getTime(),
    )
    const retries = [...this.#failing.values()].map(({ retryAt }) => Math.max(0, retryAt - performance.now()))
    return Math.min(LONGEST_SLEEP_MS, ...waits, ...retries)
  }
}
