import { failpoint } from '../../failpoint.ts'
import type { Outcome } from '../../task/outcome.ts'
import type { Claim, QueuedTable, Run, Settled } from '../queue.ts'
import { TableClaims } from './claim.ts'
import type { Connection } from './connection.ts'
import { Settlements } from './settle.ts'

/** Claims and settles the runs of one worker on one connection. */
export class Runs {
  readonly #workerId: string
  readonly settlements: Settlements
  readonly #connection: Connection
  readonly #claims = new Map<QueuedTable, TableClaims>()

  constructor(connection: Connection, workerId: string) {
    this.#connection = connection
    this.#workerId = workerId
    this.settlements = new Settlements(connection)
  }

  async claim(tables: readonly QueuedTable[]): Promise<Claim | undefined> {
    if (!tables.some((queued) => this.#claimsOf(queued).hasDue(Date.now()))) return undefined
    const claim = await this.#connection.lock.writeUntilStop(() => {
      const first = this.#claimFirst(tables, Date.now())
      failpoint('claim.before-commit')
      return first
    })
    failpoint('claim.after-commit')
    return claim
  }

  async settle(run: Run, outcome: Outcome, next: readonly QueuedTable[]): Promise<Settled> {
    const { checkpoint, fairness, lock } = this.#connection
    await fairness.betweenTasks()
    checkpoint.whenLarge()
    const settled = await lock.write(() => {
      const ended = this.settlements.settle({ id: run.id, worker: run.workerId }, run.queued.table, outcome, Date.now())
      // A later time than that of the settlement: the next run with the same key starts after this one has ended.
      const claim = this.#claimFirst(next, Date.now(), ended?.end)
      if (ended?.end !== undefined && !claim) this.settlements.record(ended.end)
      failpoint('settle.before-commit')
      return { held: ended !== undefined, next: claim, ...(ended?.divergence && { divergence: ended.divergence }) }
    })
    failpoint('settle.after-commit')
    return settled
  }

  /** When the next scheduled task is due, in milliseconds since the epoch; infinite if none is. */
  nextRunAt(tables: readonly QueuedTable[], now: number): number {
    const times = tables.map((queued) => this.#claimsOf(queued).nextRunAt(now)).filter((at) => at !== undefined)
    return Math.min(...times, Number.POSITIVE_INFINITY)
  }

  #claimFirst(tables: readonly QueuedTable[], now: number, follows?: number): Claim | undefined {
    for (const queued of tables) {
      const claim = this.#claimsOf(queued).claim(now, follows)
      if (claim) return claim
    }
    return undefined
  }

  #claimsOf(queued: QueuedTable): TableClaims {
    let claims = this.#claims.get(queued)
    if (!claims) {
      claims = new TableClaims(this.#connection, queued, this.#workerId)
      this.#claims.set(queued, claims)
    }
    return claims
  }
}
