import { setTimeout as delay } from 'node:timers/promises'
import { TaskError } from '@ops-cli/core'
import type Database from 'better-sqlite3'

/** Between two attempts: shorter than the gaps that a worker leaves between short tasks. */
const RETRY_MS = 0.2

/** For so long the thread itself waits; after it, the event loop turns between attempts. */
const PATIENCE_OF_THE_THREAD_MS = 20

const PATIENCE_MS = 60_000

const cell = new Int32Array(new SharedArrayBuffer(4))

/**
 * Begins a transaction that writes, when its turn comes. SQLite's lock is not fair, and its own waiting sleeps up to
 * 100 ms at a time, which misses every gap.
 */
export async function beginImmediate(database: Database.Database, signal: AbortSignal): Promise<void> {
  const begin = database.prepare('begin immediate')
  const since = performance.now()
  for (;;) {
    signal.throwIfAborted()
    try {
      begin.run()
      return
    } catch (error) {
      if (!isBusy(error)) throw error
      const waited = performance.now() - since
      if (waited > PATIENCE_MS)
        throw new TaskError(
          'the database was locked by another program for 60 s; end its transaction, then retry the task',
          { cause: error },
        )
      if (waited < PATIENCE_OF_THE_THREAD_MS) Atomics.wait(cell, 0, 0, RETRY_MS)
      else await delay(1)
    }
  }
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code))
}
