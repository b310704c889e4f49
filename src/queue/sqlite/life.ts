import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { FileLock } from '../../platform/file-lock.ts'
import { asUnusable } from './unusable.ts'

/** A worker's life is the lock on a small file beside the database. */
export class Lives {
  readonly #databasePath: string
  readonly #directory: string
  #own: { file: string; lock: FileLock } | undefined

  constructor(databasePath: string) {
    this.#databasePath = databasePath
    this.#directory = `${databasePath}-workers`
  }

  begin(workerId: string): void {
    const file = this.#file(workerId)
    try {
      const lock = FileLock.take(file)
      // The name is new with each worker.
      if (lock === undefined) throw new Error(`There is a worker ${workerId} already.`)
      this.#own = { file, lock }
    } catch (error) {
      throw asUnusable(this.#databasePath, error)
    }
  }

  /** Whether somebody holds the lock of this worker. A missing file is that of a worker that ended in order. */
  isAlive(workerId: string): boolean {
    return this.#own?.file === this.#file(workerId) || FileLock.isTaken(this.#file(workerId))
  }

  /** Removes the file of a worker whose runs are all decided. */
  forget(workerId: string): void {
    rmSync(this.#file(workerId), { force: true })
  }

  end(): void {
    if (!this.#own) return
    // Removed while the lock is held, so that nobody sees a file that is free and a worker that is not yet gone.
    rmSync(this.#own.file, { force: true })
    this.#own.lock.release()
    this.#own = undefined
  }

  #file(workerId: string): string {
    return join(this.#directory, `${workerId}.life`)
  }
}
