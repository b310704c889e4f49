import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { createPrivateFile, createPrivateFolder } from './private-file.ts'

/**
 * An exclusive lock on a file, held as long as its process lives: the kernel frees it however the process ends, a stopped
 * process keeps it, and it works across containers that share the volume. It is SQLite's own lock, since Node has none.
 *
 * A process must not check a lock of its own: POSIX locks belong to the process, and closing the file frees them.
 */
export class FileLock {
  readonly #database: Database.Database

  private constructor(database: Database.Database) {
    this.#database = database
  }

  /** Undefined when another process holds it. */
  static take(file: string): FileLock | undefined {
    createPrivateFolder(dirname(file))
    createPrivateFile(file)
    const database = new Database(file, { timeout: 0 })
    try {
      // Never committed: the transaction is the lock.
      database.exec('begin exclusive')
      return new FileLock(database)
    } catch (error) {
      database.close()
      if (isTaken(error)) return undefined
      throw error
    }
  }

  static isTaken(file: string): boolean {
    if (!existsSync(file)) return false
    const lock = FileLock.take(file)
    lock?.release()
    return lock === undefined
  }

  release(): void {
    this.#database.close()
  }
}

function isTaken(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY')
}
