import { type FSWatcher, readFileSync, watch, writeFileSync } from 'node:fs'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Statement } from 'better-sqlite3'
import type { SqliteDatabase } from './open-database.ts'

/** How long to look for a commit after a hint: the flush to disk may still be under way. */
const LOOK_AFTER_HINT_MS = 25

/** How long only the event loop turns between looks; later each look waits a millisecond. */
const LOOK_CLOSELY_MS = 2

/**
 * Finds out when another connection has committed: from the write-ahead log, which every writer appends to, and from a
 * small wake file that ops' own writers touch. Both are hints; `data_version` tells whether there was a commit.
 */
export class WakeUp {
  readonly #walFile: string
  readonly #wakeFile: string
  #walWatcher: FSWatcher | undefined
  #wakeWatcher: FSWatcher | undefined
  readonly #dataVersion: Statement
  #seen: unknown
  #isHinted = false
  #onHint: (() => void) | undefined
  #isWriterWaiting = false
  readonly #signalers = new Set<number>()

  constructor(database: SqliteDatabase) {
    this.#walFile = `${database.name}-wal`
    this.#wakeFile = `${database.name}-wake`
    this.#dataVersion = database.prepare('pragma data_version').pluck()
    this.#seen = this.#dataVersion.get()
  }

  /** Starts to watch the wake file. If the system has no file watch left, polling is enough. */
  listen(): void {
    this.signal()
    this.#wakeWatcher = watchFile(this.#wakeFile, () => {
      this.#isWriterWaiting = true
      this.#noteSignaler()
      this.#hint()
    })
  }

  /**
   * Stops watching the log until the next wait: an event for each write would cost a draining worker a third of its
   * speed.
   */
  stopWatchingLog(): void {
    this.#walWatcher?.close()
    this.#walWatcher = undefined
  }

  /** Tells the workers on this database that something has changed or that a writer waits for the lock. */
  signal(): void {
    try {
      writeFileSync(this.#wakeFile, String(process.pid), { mode: 0o600 })
    } catch {
      // Only a hint; polling finds the change.
    }
  }

  /** Whether this process has signaled before: it is ops, and signals when it waits. */
  hasSignaled(pid: number): boolean {
    return this.#signalers.has(pid)
  }

  #noteSignaler(): void {
    try {
      this.#signalers.add(Number(readFileSync(this.#wakeFile, 'utf8')))
    } catch {
      // It helps to know which process it was, but it is not needed.
    }
  }

  /** Whether a signal came since the last call. */
  isWriterWaiting(): boolean {
    const isWaiting = this.#isWriterWaiting
    this.#isWriterWaiting = false
    return isWaiting
  }

  /** Whether another connection has committed since the last call. */
  hasChanged(): boolean {
    const version = this.#dataVersion.get()
    if (version === this.#seen) return false
    this.#seen = version
    return true
  }

  /** Resolves to true on a commit, and to false when the time is over or the signal aborts. */
  async changed(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + milliseconds
    // Before the first look, so that no commit is missed in between.
    this.#walWatcher ??= watchFile(this.#walFile, () => this.#hint())
    for (;;) {
      if (this.hasChanged()) return true
      const left = end - performance.now()
      if (left <= 0 || signal.aborted) return false
      if (this.#isHinted || (await this.#nextHint(left, signal))) {
        this.#isHinted = false
        if (await this.#lookAfterHint(signal)) return true
      }
    }
  }

  close(): void {
    this.stopWatchingLog()
    this.#wakeWatcher?.close()
  }

  #hint(): void {
    this.#isHinted = true
    this.#onHint?.()
  }

  #nextHint(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (isHinted: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#onHint = undefined
        resolve(isHinted)
      }
      const stop = () => finish(false)
      const timer = setTimeout(stop, milliseconds)
      this.#onHint = () => finish(true)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  async #lookAfterHint(signal: AbortSignal): Promise<boolean> {
    const started = performance.now()
    for (;;) {
      if (this.hasChanged()) return true
      const passed = performance.now() - started
      if (passed > LOOK_AFTER_HINT_MS || signal.aborted) return false
      if (passed < LOOK_CLOSELY_MS) await turn()
      else await delay(1)
    }
  }
}

/** A watch that does not keep the process alive; undefined if the system has none left. */
function watchFile(file: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(file, { persistent: false }, onChange)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
