import { isDeepStrictEqual } from 'node:util'
import { oneLine } from '../format.ts'
import type { Claim, Queue, QueuedTable, Run } from '../queue/queue.ts'
import { columnsNotIn, type DatabaseColumn } from '../queue/table-columns.ts'
import type { Outcome } from '../task/outcome.ts'
import { Starvation } from './starvation.ts'
import type { WorkerLog } from './worker-log.ts'

/** A run whose end could not be written, and how it had ended. */
export interface OpenEnd {
  readonly run: Run
  readonly outcome: Outcome
  readonly milliseconds: number
}

/** A table from which nothing is claimed, because the database refuses what a worker does with it. */
interface Dropped {
  readonly end: OpenEnd | undefined
  /** Whether the table, its columns and what ops keeps on it were there at the latest look. */
  isWhole: boolean
}

interface TableState {
  readonly columns: readonly DatabaseColumn[] | undefined
  /** What `ops migrate` would do for it. */
  readonly steps: readonly string[]
}

/** The tables from which a worker claims, in their order: those that it can use. */
export class ClaimedTables {
  readonly #queue: Queue
  readonly #tables: readonly QueuedTable[]
  readonly #log: WorkerLog
  readonly #dropped = new Map<QueuedTable, Dropped>()
  /** Dropped tables as they were at the latest look. The first one counts as a change: it may have been a moment only. */
  readonly #states = new Map<QueuedTable, TableState>()
  /** Tables of which something was missing at a look. */
  readonly #broken = new Set<QueuedTable>()
  /** What was said about each table, so that it is said once. */
  readonly #said = new Map<QueuedTable, string>()
  #isLooking = false
  #starvation: Starvation | undefined
  /** The same array as long as the tables are the same. */
  #usable: readonly QueuedTable[]

  constructor(queue: Queue, tables: readonly QueuedTable[], log: WorkerLog) {
    this.#queue = queue
    this.#tables = tables
    this.#usable = tables
    this.#log = log
  }

  get usable(): readonly QueuedTable[] {
    return this.#usable
  }

  /** The order of the next claim. */
  get inOrder(): readonly QueuedTable[] {
    return this.#starvation?.inOrder(this.#usable) ?? this.#usable
  }

  /** @param limit milliseconds for which a task may be due before its table has a turn */
  limitWaits(limit: number): void {
    const onTurn = this.#log.turn.bind(this.#log)
    this.#starvation = new Starvation({ queue: this.#queue, limit, onTurn })
  }

  /** Looks who has waited too long, at most once a second. */
  lookForStarving(): void {
    void this.#starvation?.look(this.#usable)
  }

  /** Notes what a claim in this order has returned. */
  claimed(order: readonly QueuedTable[], claim: Claim | undefined): void {
    this.#starvation?.claimed(order, claim)
  }

  /** Records the tables for those who ask who claims from them. It only informs, so an error keeps nothing from running. */
  async record(): Promise<void> {
    await this.#queue.recordTables(this.#usable.map(({ table }) => table.name)).catch(() => {})
  }

  /** Claims the next task. A table that cannot be used is dropped, and keeps no other from being claimed from. */
  async claim(stop: AbortSignal): Promise<Claim | undefined> {
    try {
      const order = this.inOrder
      const claim = await this.#queue.claim(order, stop)
      this.claimed(order, claim)
      return claim
    } catch (error) {
      if (!this.#queue.isRefusal(error)) throw error
      return this.#claimOneByOne(stop)
    }
  }

  /** Claims nothing more from a table until it is changed or migrated. */
  drop(queued: QueuedTable, refusal: Error, end?: OpenEnd): void {
    this.#dropped.set(queued, { end, isWhole: false })
    this.#changed()
    const reason = oneLine(refusal.message).replace(/\.$/, '')
    if (this.#said.get(queued) === reason) return
    this.#said.set(queued, reason)
    const { processor, table } = queued
    const run = end && `the end of run ${end.run.id} of ${processor} ${end.run.taskId} cannot be written, `
    this.#log.problem({
      code: 'TASK_TABLE_UNUSABLE',
      severity: 'error',
      where: processor,
      message: `The table "${table.name}" cannot be used: ${run ?? ''}${reason}; no more ${table.name} are claimed.`,
      suggestions: ['ops doctor', 'ops migrate', 'restart the worker once the table is repaired'],
    })
  }

  /**
   * Uses dropped tables again that have changed.
   *
   * @param write writes the end of a run that is still open, and returns whether it could
   */
  async lookAgain(write: (end: OpenEnd) => Promise<boolean>): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      for (const [queued, dropped] of this.#dropped) {
        if ((await this.#hasChanged(queued, dropped)) && (!dropped.end || (await write(dropped.end)))) {
          this.#useAgain(queued, dropped)
        }
      }
    } finally {
      this.#isLooking = false
    }
  }

  /** Tries once more to write the ends that were refused before; returns those that are left to recovery. */
  async writeEnds(write: (end: OpenEnd) => Promise<boolean>): Promise<OpenEnd[]> {
    const left: OpenEnd[] = []
    for (const { end } of this.#dropped.values()) {
      if (end && !(await write(end).catch(() => false))) left.push(end)
    }
    return left
  }

  /** Whether a table has all its columns, and it or what ops keeps on it is not as at the last look. */
  async #hasChanged(queued: QueuedTable, dropped: Dropped): Promise<boolean> {
    const columns = await this.#queue.records.columns(queued.table.name)
    const isComplete = columns !== undefined && columnsNotIn(columns, queued.table).length === 0
    const steps = isComplete ? (await this.#queue.planMigration([], [queued])).map(({ name }) => name) : []
    const state = { columns, steps }
    const hasChanged = !isDeepStrictEqual(state, this.#states.get(queued))
    this.#states.set(queued, state)
    dropped.isWhole = isComplete && steps.length === 0
    if (!dropped.isWhole) this.#broken.add(queued)
    return hasChanged && isComplete
  }

  #useAgain(queued: QueuedTable, { end, isWhole }: Dropped): void {
    this.#dropped.delete(queued)
    this.#changed()
    // Otherwise it is only tried again.
    const isRepaired = isWhole && this.#broken.delete(queued)
    if (!end && !isRepaired) return
    this.#said.delete(queued)
    this.#log.claimingAgain(queued)
  }

  #changed(): void {
    this.#usable = this.#tables.filter((one) => !this.#dropped.has(one))
    void this.record()
  }

  async #claimOneByOne(stop: AbortSignal): Promise<Claim | undefined> {
    for (const queued of this.#usable) {
      try {
        const claim = await this.#queue.claim([queued], stop)
        if (claim) return claim
      } catch (error) {
        if (!this.#queue.isRefusal(error)) throw error
        this.drop(queued, error as Error)
      }
    }
    return undefined
  }
}
