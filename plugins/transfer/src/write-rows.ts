import { setImmediate as turn } from 'node:timers/promises'
import type { RejectFile } from './reject-file.ts'
import { type ImportSession, RowsRejectedError, type Value } from './store.ts'

/** Rows per statement: more are faster, fewer are retried sooner when one of them is invalid. */
const BATCH_ROWS = 5000

interface WriteOptions {
  readonly session: ImportSession
  readonly rejects: RejectFile
  readonly signal: AbortSignal
  /** A row as in the reject file. */
  readonly nameValues: (values: readonly Value[]) => unknown
}

/**
 * Writes all staged rows, inside the one transaction. A row that the database rejects is found by bisection.
 *
 * @returns how many were written, and how many already existed
 */
export async function writeRows(
  total: number,
  options: WriteOptions,
): Promise<{ rowCount: number; skippedCount: number }> {
  const { session, rejects, signal, nameValues } = options
  let rowCount = 0
  let rejected = 0

  async function write(from: number, to: number): Promise<void> {
    try {
      rowCount += await session.insert(from, to)
    } catch (error) {
      if (!(error instanceof RowsRejectedError)) throw error
      if (from < to) {
        const middle = from + Math.floor((to - from) / 2)
        await write(from, middle)
        return write(middle + 1, to)
      }
      const { line, values } = await session.staged(from)
      rejects.add(line, error.message, nameValues(values))
      rejected += 1
      // At once, because other writers are waiting for the database.
      rejects.check()
    }
  }

  for (let from = 1; from <= total; from += BATCH_ROWS) {
    signal.throwIfAborted()
    await write(from, Math.min(total, from + BATCH_ROWS - 1))
    // For signals and the watchdog.
    await turn()
  }
  return { rowCount, skippedCount: total - rejected - rowCount }
}
