import { statSync } from 'node:fs'
import type { SqliteDatabase } from './open-database.ts'

/**
 * The size to which the write-ahead log is cut back. A commit moves the log into the database long before, unless a
 * reader needs it as it is.
 */
export const WAL_LIMIT_BYTES = 64 * 1024 * 1024

const LOOK_EVERY_MS = 1000

/** For so long at most writers are kept out while the last readers leave. */
const PATIENCE_MS = 50

/**
 * Makes the write-ahead log small again after a reader has held it open. SQLite does so by itself only with the second
 * commit after the reader has left, and not at all while readers come and go so that one is always there.
 */
export class Checkpoint {
  readonly #database: SqliteDatabase
  readonly #limit: number
  #looksAt = 0
  /** How far the log was moved the last time. */
  #reached: number | undefined

  constructor(database: SqliteDatabase, limit = WAL_LIMIT_BYTES) {
    this.#database = database
    this.#limit = limit
  }

  /** Outside a transaction. Cheap where there is nothing to do, which is nearly always. */
  whenLarge(): void {
    const now = performance.now()
    if (now < this.#looksAt) return
    this.#looksAt = now + LOOK_EVERY_MS
    if (this.#logSize() <= this.#limit) return
    try {
      this.#truncate()
    } catch {
      // A full disk, say: the next commit meets it too, and it is told then.
    }
  }

  #truncate(): void {
    // First what takes its time, during which others write.
    const [moved] = this.#database.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[]
    const { log, checkpointed } = moved!
    // Where nothing could be moved since, it is one long reader, who does not leave within the patience of a writer.
    const isOneReader = checkpointed < log && checkpointed === this.#reached
    this.#reached = checkpointed
    if (isOneReader) return
    this.#database.pragma(`busy_timeout = ${PATIENCE_MS}`)
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
