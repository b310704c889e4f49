import type { Statement } from 'better-sqlite3'
import { Checkpoint } from './checkpoint.ts'
import { connectedProcesses } from './connected-processes.ts'
import { type OpenOptions, openDatabase, type SqliteDatabase } from './open-database.ts'
import { StatementCache } from './statements.ts'
import { WakeUp } from './wake-up.ts'
import { WorkerLocks } from './worker-lock.ts'
import { WriteFairness } from './write-fairness.ts'
import { WriteLock } from './write-lock.ts'

/** An open database file with its write lock, wake-up, checkpoint and worker locks. */
export class Connection {
  readonly database: SqliteDatabase
  readonly lock: WriteLock
  readonly wakeUp: WakeUp
  readonly fairness: WriteFairness
  readonly workerLocks: WorkerLocks
  readonly checkpoint: Checkpoint
  readonly #statements: StatementCache

  constructor(path: string, options: OpenOptions, workerLocks = new WorkerLocks(path)) {
    this.database = openDatabase(path, options)
    this.#statements = new StatementCache(this.database)
    this.wakeUp = new WakeUp(this.database)
    this.lock = new WriteLock(this.database, () => this.wakeUp.signal())
    this.fairness = new WriteFairness({
      isWriterWaiting: () => this.wakeUp.isWriterWaiting(),
      stopWatchingLog: () => this.wakeUp.stopWatchingLog(),
      areOthersConnected: () => this.#areOthersConnected(),
    })
    this.workerLocks = workerLocks
    this.checkpoint = new Checkpoint(this.database)
  }

  sql(text: string): Statement {
    return this.#statements.sql(text)
  }

  /** Not counting processes that signal when they wait. Without a list of processes, assume that there are some. */
  #areOthersConnected(): boolean {
    const connected = connectedProcesses(this.database.name)
    return connected?.some((pid) => pid !== process.pid && !this.wakeUp.hasSignaled(pid)) ?? true
  }

  close(): void {
    this.wakeUp.close()
    this.database.close()
  }
}
