import { setTimeout as delay } from 'node:timers/promises'
import { RETRY_MS } from './end-writer.ts'
import type { WorkerLog } from './worker-log.ts'

/** Retries until it is done or the stop comes: an unavailable database comes back. */
export async function retryUntilStop<T>(
  what: string,
  attempt: () => Promise<T>,
  { log, stop, onFailure }: { log: WorkerLog; stop: AbortSignal; onFailure?: () => void },
): Promise<T | undefined> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (stop.aborted) return undefined
      onFailure?.()
      const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!
      log.databaseFailed(what, error, pause)
      // Not all workers at once: each may have lost its connection at the same moment.
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: stop }).catch(() => {})
    }
  }
}
