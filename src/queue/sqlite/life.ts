import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { isBusy, type SqliteDatabase } from './open-database.ts'
import { asUnusable } from './unusable.ts'

/**
 * A worker's life is an exclusive lock of SQLite's own on a small file beside the database. The kernel frees it when
 * the process ends, however it ends; a stopped process keeps it; and it holds between containers that share the volume.
 */
export class Lives {
  private readonly databasePath: string
  private readonly directory: string
  private own: { file: string; lock: SqliteDatabase } | undefined

  constructor(databasePath: string) {
    this.databasePath = databasePath
    this.directory = `${databasePath}-workers`
  }

  begin(workerId: string): void {
    const file = this.file(workerId)
    try {
      mkdirSync(dirname(file), { recursive: true })
      const lock = new Database(file, { timeout: 0 })
      // Never committed: the transaction is the life.
      lock.exec('begin exclusive')
      this.own = { file, lock }
    } catch (error) {
      throw asUnusable(this.databasePath, error)
    }
  }

  /** Whether somebody holds the lock of this worker. A missing file is that of a worker that ended in order. */
  isAlive(workerId: string): boolean {
    // Opening and closing the own file in this process would free the own lock: POSIX locks belong to the process.
    if (this.own?.file === this.file(workerId)) return true
    if (!existsSync(this.file(workerId))) return false
    const probe = new Database(this.file(workerId), { timeout: 0 })
    try {
      probe.exec('begin exclusive; rollback')
      return false
    } catch (error) {
      if (isBusy(error)) return true
      throw error
    } finally {
      probe.close()
    }
  }

  /** Removes the file of a worker whose runs are all decided. */
  forget(workerId: string): void {
    rmSync(this.file(workerId), { force: true })
  }

  end(): void {
    if (!this.own) return
    // Removed while the lock is held, so that nobody sees a file that is free and a worker that is not yet gone.
    rmSync(this.own.file, { force: true })
    this.own.lock.close()
    this.own = undefined
  }

  private file(workerId: string): string {
    return join(this.directory, `${workerId}.life`)
  }
}
