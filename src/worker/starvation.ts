import type { Claim, Queue, QueuedTable } from '../queue/queue.ts'
import { readLifecycle } from '../task-table/lifecycle.ts'

/** How often the oldest due tasks are looked up, at most. */
const LOOK_EVERY_MS = 1000

/** How long a table has no turn whose tasks that have waited too long may not run: their key is taken, or on hold. */
const BLOCKED_MS = 60_000

export interface StarvationOptions {
  readonly queue: Pick<Queue, 'records'>
  /** Milliseconds for which a task may be due before its table has a turn. */
  readonly limit: number
  readonly onTurn: (run: Claim['run'], waitedMs: number) => void
  /** Milliseconds since any time. */
  readonly clock?: () => number
}

/**
 * Gives a table whose oldest due task has waited too long a turn of one task before the tables of higher priority. A turn is
 * followed by a claim in the usual order, so that nobody else starves.
 */
export class Starvation {
  readonly #options: StarvationOptions
  readonly #clock: () => number
  #lookedAt = Number.NEGATIVE_INFINITY
  /** The table that has the next turn. */
  #starving: QueuedTable | undefined
  #hadTurn = false
  readonly #blockedUntil = new Map<QueuedTable, number>()
  /** The latest order with a turn: databases keep what they know about an array of tables. */
  #order: { tables: readonly QueuedTable[]; first: QueuedTable; inOrder: readonly QueuedTable[] } | undefined

  constructor(options: StarvationOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => performance.now())
  }

  /** Looks which table has the next turn, at most once a second. A database that fails gives no turn. */
  async look(tables: readonly QueuedTable[]): Promise<void> {
    const now = this.#clock()
    if (now - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = now
    const { queue, limit } = this.#options
    const candidates = tables.slice(1).filter((queued) => (this.#blockedUntil.get(queued) ?? now) <= now)
    const waits = await Promise.all(
      candidates.map(async (queued) => {
        const oldest = await queue.records.oldestDue(queued.table).catch(() => undefined)
        return { queued, waited: oldest ? Date.now() - oldest.since.getTime() : 0 }
      }),
    )
    const [longest] = waits.filter(({ waited }) => waited > limit).sort((a, b) => b.waited - a.waited)
    this.#starving = longest?.queued
  }

  /** The tables in the order of the next claim. */
  inOrder(tables: readonly QueuedTable[]): readonly QueuedTable[] {
    const first = this.#starving
    if (!first || this.#hadTurn || !tables.includes(first)) return tables
    if (this.#order?.first !== first || this.#order.tables !== tables) {
      this.#order = { first, tables, inOrder: [first, ...tables.filter((queued) => queued !== first)] }
    }
    return this.#order.inOrder
  }

  /** Notes what a claim in this order has returned. */
  claimed(order: readonly QueuedTable[], claim: Claim | undefined): void {
    if (order !== this.#order?.inOrder) {
      if (claim) this.#hadTurn = false
      return
    }
    const { first } = this.#order
    if (this.#starving === first) this.#starving = undefined
    const waited = claim?.run.queued === first ? waitOf(claim) : undefined
    if (claim && waited !== undefined) {
      this.#hadTurn = true
      if (waited > this.#options.limit) this.#options.onTurn(claim.run, waited)
    }
    if (waited === undefined || waited <= this.#options.limit) this.#blockedUntil.set(first, this.#clock() + BLOCKED_MS)
  }
}

/** How long a task has been due, in milliseconds. */
function waitOf({ run, task }: Claim): number {
  const { runAt, createdAt } = readLifecycle(run.queued.table, task)
  return Date.now() - (runAt ?? createdAt ?? new Date()).getTime()
}
