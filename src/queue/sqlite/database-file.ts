import { statSync } from 'node:fs'
import { DatabaseUnusableError } from '../../errors.ts'
import { Connection } from './connection.ts'
import type { OpenOptions } from './open-database.ts'

/** How often to look whether the file is still the one that is open. */
const LOOK_EVERY_MS = 200

/** A database file that is opened when it is first needed, and again if another file has taken its place. */
export class DatabaseFile {
  readonly #path: string
  readonly #options: OpenOptions
  #connection: Connection | undefined
  #identity: string | undefined
  #lookedAt = 0

  constructor(path: string, options: OpenOptions) {
    this.#path = path
    this.#options = options
  }

  get opened(): Connection | undefined {
    return this.#connection
  }

  /**
   * The connection to the file that is there now.
   *
   * @param onReplaced called when it is another file than before
   * @throws DatabaseUnusableError if it is missing, or was removed since
   */
  connection(options: OpenOptions, onReplaced: (connection: Connection) => void): Connection {
    const now = performance.now()
    const isDue = now - this.#lookedAt > LOOK_EVERY_MS
    if (this.#connection && (!isDue || this.#connection.database.inTransaction)) return this.#connection
    const before = this.#connection
    if (before && this.#look() === this.#identity) {
      this.#lookedAt = now
      return before
    }
    // Opened before the other is closed: it may not be complete yet.
    this.#connection = new Connection(this.#path, { ...this.#options, ...options }, before?.workerLocks)
    this.#identity = this.#look()
    this.#lookedAt = now
    if (before) {
      before.close()
      onReplaced(this.#connection)
    }
    return this.#connection
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  #look(): string {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    if (found) return `${found.dev} ${found.ino}`
    throw new DatabaseUnusableError(this.#path, 'the file was removed', {
      suggestions: ['put it back', 'or create a new one: ops migrate'],
    })
  }
}
