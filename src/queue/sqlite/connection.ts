import type { Statement } from 'better-sqlite3'
import { Checkpoint } from './checkpoint.ts'
import { connectedProcesses } from './connected-processes.ts'
import { GiveWay } from './give-way.ts'
import { Lives } from './life.ts'
import { type OpenOptions, openDatabase, type SqliteDatabase } from './open-database.ts'
import { StatementCache } from './statement-cache.ts'
import { WakeUp } from './wake-up.ts'
import { WriteLock } from './write-lock.ts'

/** One open database file with what belongs to it: the write lock, the wake-up, the checkpoint, the lives of the workers. */
export class Connection {
  readonly database: SqliteDatabase
  readonly lock: WriteLock
  readonly wakeUp: WakeUp
  readonly giveWay: GiveWay
  readonly lives: Lives
  readonly checkpoint: Checkpoint
  readonly #statements: StatementCache

  constructor(path: string, options: OpenOptions) {
    this.database = openDatabase(path, options)
    this.#statements = new StatementCache(this.database)
    this.wakeUp = new WakeUp(this.database)
    this.lock = new WriteLock(this.database, () => this.wakeUp.ring())
    this.giveWay = new GiveWay({
      takeRing: () => this.wakeUp.takeRing(),
      ignoreLog: () => this.wakeUp.ignoreLog(),
      areOthersConnected: () => this.#areOthersConnected(),
    })
    this.lives = new Lives(path)
    this.checkpoint = new Checkpoint(this.database)
  }

  sql(text: string): Statement {
    return this.#statements.sql(text)
  }

  /** Who rings when he wants in does not count. Where the system does not tell, somebody may be there. */
  #areOthersConnected(): boolean {
    const connected = connectedProcesses(this.database.name)
    return connected?.some((pid) => pid !== process.pid && !this.wakeUp.rings(pid)) ?? true
  }

  close(): void {
    this.wakeUp.close()
    this.database.close()
  }
}
