import type { Queue } from '../queue/queue.ts'
import { retryUntilStop } from './retry-until-stop.ts'
import type { WorkerLog } from './worker-log.ts'

interface ReplacedDatabaseOptions {
  readonly prepare: () => Promise<void>
  readonly log: WorkerLog
  readonly stop: AbortSignal
}

/** Prepares another database that has taken the place of the one that a worker has opened, before anything is claimed from it. */
export class ReplacedDatabase {
  /** Resolves when the database is prepared, or at the stop. */
  ready: Promise<void> | undefined

  constructor(queue: Queue, { prepare, log, stop }: ReplacedDatabaseOptions) {
    queue.onReplaced = () => {
      log.databaseReplaced(queue.name)
      this.ready ??= retryUntilStop('preparing the database', prepare, { log, stop }).then(() => {
        this.ready = undefined
      })
    }
  }
}
