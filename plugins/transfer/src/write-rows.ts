import { setImmediate as turn } from 'node:timers/promises'
import type { RejectFile } from './reject-file.ts'
import { type ImportSession, RowsRefusedError, type Value } from './store.ts'

/** Rows of one statement: many are faster, few are soon tried again where one of them is bad. */
const AT_ONCE = 5000

interface Writing {
  readonly session: ImportSession
  readonly rejects: RejectFile
  readonly signal: AbortSignal
  /** The row of a reject file. */
  readonly nameValues: (values: readonly Value[]) => unknown
  readonly onProgress: (written: number) => void
}

/**
 * Writes all collected rows, within the one transaction. Which row the database refuses is found by halves: nobody else
 * says it.
 *
 * @returns how many were written, and how many were there already
 */
export async function writeRows(total: number, writing: Writing): Promise<{ rowCount: number; skippedCount: number }> {
  const { session, rejects, signal, nameValues, onProgress } = writing
  let rowCount = 0
  let refused = 0

  async function write(from: number, to: number): Promise<void> {
    try {
      rowCount += await session.insert(from, to)
    } catch (error) {
      if (!(error instanceof RowsRefusedError)) throw error
      if (from < to) {
        const middle = from + Math.floor((to - from) / 2)
        await write(from, middle)
        return write(middle + 1, to)
      }
      const { line, values } = await session.collected(from)
      rejects.add(line, error.message, nameValues(values))
      refused += 1
      // Not read on as in a file: meanwhile others wait for the database.
      rejects.check()
    }
  }

  for (let from = 1; from <= total; from += AT_ONCE) {
    signal.throwIfAborted()
    await write(from, Math.min(total, from + AT_ONCE - 1))
    onProgress(rowCount)
    // Signals and the watchdog are heard meanwhile.
    await turn()
  }
  return { rowCount, skippedCount: total - refused - rowCount }
}
