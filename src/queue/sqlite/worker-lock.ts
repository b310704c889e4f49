import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FileLock } from '../../platform/file-lock.ts'
import { explainError } from './explain-error.ts'

/** The locks of workers, each on a small file beside the database. */
export class WorkerLocks {
  readonly #databasePath: string
  readonly #directory: string
  #own: { file: string; lock: FileLock } | undefined

  constructor(databasePath: string) {
    this.#databasePath = databasePath
    this.#directory = `${databasePath}-workers`
  }

  acquire(workerId: string): void {
    const file = this.#file(workerId)
    try {
      const lock = FileLock.take(file)
      // Every worker has a new id.
      if (lock === undefined) throw new Error(`The worker ${workerId} already exists.`)
      this.#own = { file, lock }
    } catch (error) {
      throw explainError(this.#databasePath, error)
    }
  }

  /** Takes the lock of this process's worker again if its file was removed. */
  keep(workerId: string): void {
    if (!this.#own || existsSync(this.#own.file)) return
    this.release()
    this.acquire(workerId)
  }

  /** Whether a living process holds the lock. A worker that ended in order has removed its file. */
  isHeld(workerId: string): boolean {
    return this.#own?.file === this.#file(workerId) || FileLock.isTaken(this.#file(workerId))
  }

  /** The workers of these runs that hold their locks. */
  heldOf(runs: readonly { workerId: string }[]): Set<string> {
    return new Set(runs.map(({ workerId }) => workerId).filter((id) => this.isHeld(id)))
  }

  /** Removes the file of a dead worker whose runs are all settled. */
  remove(workerId: string): void {
    rmSync(this.#file(workerId), { force: true })
  }

  release(): void {
    if (!this.#own) return
    // Removed while the lock is held: no one sees a free lock of a worker that still runs.
    rmSync(this.#own.file, { force: true })
    this.#own.lock.release()
    this.#own = undefined
  }

  #file(workerId: string): string {
    return join(this.#directory, `${workerId}.lock`)
  }
}
