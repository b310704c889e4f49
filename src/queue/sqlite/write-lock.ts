import { setTimeout as delay } from 'node:timers/promises'
import { OpsError } from '../../errors.ts'
import { formatDuration } from '../../format.ts'
import { explainError } from './explain-error.ts'
import { isBusy, pause, type SqliteDatabase } from './open-database.ts'

/** Time between two attempts. SQLite's own back-off of 1 to 100 ms misses the gaps that a draining worker leaves. */
const RETRY_MS = 0.2

/** How long the thread blocks; later the event loop turns between attempts. */
const BLOCK_THREAD_MS = 20

const GIVE_UP_AFTER_MS = 30_000

/** How often a waiting writer signals. */
const SIGNAL_EVERY_MS = 2

interface Waiting {
  readonly since: number
  signaledAt: number
  readonly giveUpAfter: number
  /** Whether to give up at the stop of this process. */
  readonly untilStop: boolean
}

/** Takes SQLite's write lock for one transaction at a time. */
export class WriteLock {
  readonly #database: SqliteDatabase
  readonly #signal: () => void
  readonly #begin
  readonly #commit
  readonly #rollback
  /** The stop of this process. */
  stop: AbortSignal | undefined

  /** @param signal tells workers that a writer waits */
  constructor(database: SqliteDatabase, signal: () => void) {
    this.#database = database
    this.#signal = signal
    // Always IMMEDIATE: a transaction that reads before it writes can fail with SQLITE_BUSY_SNAPSHOT, and waiting does
    // not help.
    this.#begin = database.prepare('begin immediate')
    this.#commit = database.prepare('commit')
    this.#rollback = database.prepare('rollback')
  }

  /**
   * Runs a synchronous function in one transaction: all of it is kept, or nothing.
   *
   * @param giveUpAfter milliseconds
   * @throws OpsError `DATABASE_BUSY` if another writer holds the lock for that long; DatabaseUnusableError if the disk is full
   */
  async write<T>(transaction: () => T, giveUpAfter = GIVE_UP_AFTER_MS, untilStop = false): Promise<T> {
    if (!this.#tryBegin()) await this.#wait(giveUpAfter, untilStop)
    return this.#finish(transaction)
  }

  /** The same for what need not be done any more once this process has to stop: then it is not waited for. */
  async writeUntilStop<T>(transaction: () => T): Promise<T> {
    return this.write(transaction, GIVE_UP_AFTER_MS, true)
  }

  async #wait(giveUpAfter: number, untilStop: boolean): Promise<void> {
    const waiting = { since: performance.now(), signaledAt: Number.NEGATIVE_INFINITY, giveUpAfter, untilStop }
    while (!this.#tryBegin(waiting)) {
      if (performance.now() - waiting.since < BLOCK_THREAD_MS) pause(RETRY_MS)
      else await delay(1)
    }
  }

  #tryBegin(waiting?: Waiting): boolean {
    try {
      this.#begin.run()
      return true
    } catch (error) {
      if (!isBusy(error)) throw explainError(this.#database.name, error)
      if (waiting) this.#stillBusy(waiting, error)
      return false
    }
  }

  #stillBusy(waiting: Waiting, error: unknown): void {
    const now = performance.now()
    const isStopped = waiting.untilStop && this.stop?.aborted
    if (isStopped || now - waiting.since > waiting.giveUpAfter)
      throw busyError(this.#database.name, now - waiting.since, error)
    if (now - waiting.signaledAt < SIGNAL_EVERY_MS) return
    this.#signal()
    waiting.signaledAt = now
  }

  #finish<T>(transaction: () => T): T {
    try {
      const result = transaction()
      this.#commit.run()
      return result
    } catch (error) {
      // After some errors, such as a full disk, SQLite has already rolled back.
      if (this.#database.inTransaction) this.#rollback.run()
      throw explainError(this.#database.name, error)
    }
  }
}

function busyError(path: string, waitedMs: number, cause: unknown): OpsError {
  return new OpsError(
    'DATABASE_BUSY',
    `The database ${path} was locked by another program for ${formatDuration(waitedMs)}.`,
    {
      cause,
      suggestions: ['end the transaction that is open there, then try again'],
    },
  )
}
