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
 * Gives each table whose oldest due task has waited too long a turn of one task before the tables of higher priority. A turn is
 * followed by a claim in the usual order, so that nobody else starves; of several tables, the one has it whose last turn was
 * the longest ago. So a table has one each second, or, if the tasks take longer, one in twice as many tasks as tables starve.
 */
export class Starvation {
  readonly #options: StarvationOptions
  readonly #clock: () => number
  #lookedAt = Number.NEGATIVE_INFINITY
  /** The tables that have a turn before the next look, in this order. */
  #starving: readonly QueuedTable[] = []
  #hadTurn = false
  #turns = 0
  /** The number of each table's last turn. */
  readonly #lastTurn = new Map<QueuedTable, number>()
  readonly #blockedUntil = new Map<QueuedTable, number>()
  /** The latest orders with a turn: databases keep what they know about an array of tables. */
  #orders:
    | { readonly tables: readonly QueuedTable[]; readonly of: Map<QueuedTable, readonly QueuedTable[]> }
    | undefined

  constructor(options: StarvationOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => performance.now())
  }

  /** Looks which tables have a turn, at most once a second. A database that fails gives no turn. */
  async look(tables: readonly QueuedTable[]): Promise<void> {
    const now = this.#clock()
    if (now - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = now
    const { queue, limit } = this.#options
    const candidates = tables.slice(1).filter((queued) => (this.#blockedUntil.get(queued) ?? now) <= now)
    const waits = await Promise.all(
      candidates.map(async (queued) => {
        const oldest = await queue.records.oldestDue(queued.table).catch(() => undefined)
        return {
          queued,
          turn: this.#lastTurn.get(queued) ?? 0,
          waited: oldest ? Date.now() - oldest.since.getTime() : 0,
        }
      }),
    )
    this.#starving = waits
      .filter(({ waited }) => waited > limit)
      .sort((a, b) => a.turn - b.turn || b.waited - a.waited)
      .map(({ queued }) => queued)
  }

  /** The tables in the order of the next claim. */
  inOrder(tables: readonly QueuedTable[]): readonly QueuedTable[] {
    const [first] = this.#starving
    if (!first || this.#hadTurn || !tables.includes(first)) return tables
    if (this.#orders?.tables !== tables) this.#orders = { tables, of: new Map() }
    let order = this.#orders.of.get(first)
    if (!order) {
      order = [first, ...tables.filter((queued) => queued !== first)]
      this.#orders.of.set(first, order)
    }
    return order
  }

  /** Notes what a claim in this order has returned. */
  claimed(order: readonly QueuedTable[], claim: Claim | undefined): void {
    const first = order[0]
    if (!first || this.#orders?.of.get(first) !== order) {
      if (claim) this.#hadTurn = false
      return
    }
    this.#starving = this.#starving.filter((queued) => queued !== first)
    const waited = claim?.run.queued === first ? waitOf(claim) : undefined
    if (claim && waited !== undefined) {
      this.#hadTurn = true
      this.#turns += 1
      this.#lastTurn.set(first, this.#turns)
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
