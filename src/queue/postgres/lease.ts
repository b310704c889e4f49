import { steadyNow } from '../../platform/clock.ts'
import type { Lease } from '../queue.ts'
import type { Connection } from './connection.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'
import type { OwnLock } from './worker-lock.ts'

/** How long a worker may perform a task after its last sign of life. */
export const LEASE_MS = 20_000

/* Parts of a lease. */

/** When other connections are tried, how often, and how long each may take. */
const TRY_OTHERS_AFTER = 1 / 8
const TRY_OTHERS_EVERY = 1 / 20
const TRY_OTHERS_FOR = 1 / 4
/** How long an answer is waited for at least, where the lease has expired. */
const WAIT_FOR = 1 / 2

/**
 * Renews the lease by a sign of life in the worker's row, on the connection of all its statements. That may be busy, as
 * with waiting for a lock of another client, or silent, also after the network is back: what was lost while it was away is
 * sent again at ever longer intervals. So others are tried beside it, which also tell which of both it is.
 */
export class PostgresLease implements Lease {
  readonly ms = LEASE_MS
  readonly #connection: Connection
  readonly #url: string
  readonly #lock: OwnLock
  readonly #onSilent: () => void
  #renewedAt = Number.NEGATIVE_INFINITY
  #heardAt = Number.NEGATIVE_INFINITY
  /** Waits for its turn or its answer. */
  #renewal: Promise<number> | undefined

  /** @param parts `onSilent`: the database has not answered for the whole lease */
  constructor(parts: {
    connection: Connection
    url: string
    lock: OwnLock
    onSilent: () => void
  }) {
    this.#connection = parts.connection
    this.#url = parts.url
    this.#lock = parts.lock
    this.#onSilent = parts.onSilent
  }

  get renewedAt(): number {
    return this.#renewedAt
  }

  get heardAt(): number {
    return this.#heardAt
  }

  /** Notes that a search for a task was answered. That a run began is a sign of life to the others, like a renewal. */
  heard(sentAt: number, hasBegun: boolean): void {
    this.#heardAt = Math.max(this.#heardAt, sentAt)
    if (hasBegun) this.#renewedAt = Math.max(this.#renewedAt, sentAt)
  }

  async renew(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    let areTried = false
    // Once others are tried, they may be answered while this one gives up.
    this.#renewOnConnection().then(resolve, (error) => areTried || reject(error))
    let trying = setTimeout(() => {
      areTried = true
      trying = setInterval(() => void this.#renewBeside().then(resolve, () => {}), this.ms * TRY_OTHERS_EVERY)
    }, this.ms * TRY_OTHERS_AFTER)
    // Not before the lease expires: what is under way may still be answered, and a task may depend on it.
    const left = Math.max(this.#renewedAt + this.ms - steadyNow(), this.ms * WAIT_FOR)
    const limit = setTimeout(() => reject(this.#silence()), left)
    try {
      this.heard(await promise, true)
    } catch (error) {
      if (steadyNow() - this.#renewedAt >= this.ms) {
        this.#connection.drop(this.#silence())
        this.#onSilent()
      }
      throw error
    } finally {
      clearTimeout(trying)
      clearTimeout(limit)
    }
  }

  #renewOnConnection(): Promise<number> {
    const renew = async (session: Session) => {
      const sentAt = steadyNow()
      await this.#lock.renew(session)
      return sentAt
    }
    this.#renewal ??= this.#connection.use(renew, { isUrgent: true }).finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #renewBeside(): Promise<number> {
    const suspect = this.#connection.session
    const pending = suspect?.pending
    const session = await openSession(this.#url, this.ms * TRY_OTHERS_FOR)
    try {
      const sentAt = steadyNow()
      const isBusy = await this.#lock.renewBeside(session)
      // To connect took several round trips. A statement that had no answer meanwhile, and which the server is not
      // executing, was lost, or its answer was.
      if (!isBusy && pending !== undefined && pending === suspect?.pending) suspect.destroy(this.#silence())
      return sentAt
    } finally {
      session.destroy()
    }
  }

  #silence(): Error {
    return new Error(`${this.#connection.name} does not answer.`)
  }
}
