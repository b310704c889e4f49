import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseBusyError } from '../../errors.ts'
import { isBusy, pause, type SqliteDatabase } from './open-database.ts'
import { asUnusable } from './unusable.ts'

/** Between two attempts. SQLite's own back-off sleeps 1 to 100 ms and misses the gaps that a draining worker leaves. */
const RETRY_MS = 0.2

/** For so long the thread itself waits; after it, the event loop turns between attempts. */
const PATIENCE_OF_THE_THREAD_MS = 20

const PATIENCE_MS = 30_000

/** How often workers are asked again to give way. */
const RING_EVERY_MS = 2

interface Waiting {
  readonly since: number
  rangAt: number
}

/** Takes SQLite's write lock for one transaction at a time. */
export class WriteLock {
  readonly #database: SqliteDatabase
  readonly #ring: () => void
  readonly #begin
  readonly #commit
  readonly #rollback

  /** @param ring asks workers that drain the queue to give way */
  constructor(database: SqliteDatabase, ring: () => void) {
    this.#database = database
    this.#ring = ring
    // IMMEDIATE always: a transaction that reads first and writes later fails with SQLITE_BUSY_SNAPSHOT, which no
    // waiting mends.
    this.#begin = database.prepare('begin immediate')
    this.#commit = database.prepare('commit')
    this.#rollback = database.prepare('rollback')
  }

  /**
   * Runs a synchronous function in one transaction: all of it is kept, or nothing.
   *
   * @throws DatabaseBusyError when another writer keeps the lock for 30 s, DatabaseUnusableError when the disk is full and the like
   */
  async write<T>(transaction: () => T): Promise<T> {
    if (!this.#tryBegin()) await this.#wait()
    return this.#finish(transaction)
  }

  /** The same for a caller who cannot wait for a promise. */
  writeSync<T>(transaction: () => T): T {
    const waiting = this.#waiting()
    while (!this.#tryBegin(waiting)) pause(RETRY_MS)
    return this.#finish(transaction)
  }

  async #wait(): Promise<void> {
    const waiting = this.#waiting()
    while (!this.#tryBegin(waiting)) {
      if (performance.now() - waiting.since < PATIENCE_OF_THE_THREAD_MS) pause(RETRY_MS)
      else await delay(1)
    }
  }

  #waiting(): Waiting {
    return { since: performance.now(), rangAt: Number.NEGATIVE_INFINITY }
  }

  #tryBegin(waiting?: Waiting): boolean {
    try {
      this.#begin.run()
      return true
    } catch (error) {
      if (!isBusy(error)) throw asUnusable(this.#database.name, error)
      if (waiting) this.#stillBusy(waiting, error)
      return false
    }
  }

  #stillBusy(waiting: Waiting, error: unknown): void {
    const now = performance.now()
    if (now - waiting.since > PATIENCE_MS) throw new DatabaseBusyError(this.#database.name, now - waiting.since, error)
    if (now - waiting.rangAt < RING_EVERY_MS) return
    this.#ring()
    waiting.rangAt = now
  }

  #finish<T>(transaction: () => T): T {
    try {
      const result = transaction()
      this.#commit.run()
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some errors (a full disk), and then there is nothing to roll back.
      if (this.#database.inTransaction) this.#rollback.run()
      throw asUnusable(this.#database.name, error)
    }
  }
}
