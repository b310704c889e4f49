import { statSync } from 'node:fs'
import { type SqliteDatabase, WAL_LIMIT_BYTES } from './open-database.ts'

const CHECK_EVERY_MS = 1000

/** How long writers are kept out at most while the last readers finish. */
const WAIT_FOR_READERS_MS = 50

/**
 * Truncates the write-ahead log after a long reader has made it grow. SQLite does it only with the second commit after the
 * reader has finished, and not at all while there is always some reader.
 */
export class Checkpoint {
  readonly #database: SqliteDatabase
  readonly #limit: number
  #nextCheckAt = 0
  /** How many pages the last checkpoint reached. */
  #reached: number | undefined

  constructor(database: SqliteDatabase, limit = WAL_LIMIT_BYTES) {
    this.#database = database
    this.#limit = limit
  }

  /** Call it outside a transaction. Cheap if there is nothing to do, which is nearly always. */
  whenLarge(): void {
    const now = performance.now()
    if (now < this.#nextCheckAt) return
    this.#nextCheckAt = now + CHECK_EVERY_MS
    if (this.#logSize() <= this.#limit) return
    try {
      this.#truncate()
    } catch {
      // Such as a full disk: the next commit fails too, and reports it.
    }
  }

  /** Writes the log to the file as far as nobody reads it, and blocks no writer. Call it outside a transaction. */
  passive(): void {
    this.#database.pragma('wal_checkpoint(PASSIVE)')
  }

  #truncate(): void {
    // First the slow part, which does not block writers.
    const [moved] = this.#database.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[]
    const { log, checkpointed } = moved!
    // No progress since the last time: one long reader, for which writers should not wait.
    const isOneReader = checkpointed < log && checkpointed === this.#reached
    this.#reached = checkpointed
    if (isOneReader) return
    this.#database.pragma(`busy_timeout = ${WAIT_FOR_READERS_MS}`)
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      this.#database.pragma('busy_timeout = 0')
    }
  }

  #logSize(): number {
    return statSync(`${this.#database.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
  }
}
