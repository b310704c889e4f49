import { statSync } from 'node:fs'
import type { History, HistorySize, PruneOptions, PrunePass, PruneStep, PruneTable } from '../history.ts'
import { pruneTables } from '../prune.ts'
import { covers } from '../prune-decisions.ts'
import type { TaskId } from '../queued-table.ts'
import type { Connection } from './connection.ts'
import { SqlitePruning } from './prune.ts'

export class SqliteHistory implements History {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  prune(tables: readonly PruneTable[], options: PruneOptions): AsyncGenerator<PruneStep, void, void> {
    return pruneTables(new SqlitePruning(this.#connect()), tables, options)
  }

  async prunedBy(table: string, id: TaskId): Promise<Date | undefined> {
    const text = `select at, detail from ops_events
      where task_table = ? and task_id is null and event = 'pruned' order by id desc`
    const rows = this.#connect().sql(text).all(table) as { at: number; detail: string }[]
    const row = rows.find(({ detail }) => covers(JSON.parse(detail) as PrunePass, id))
    return row && new Date(row.at)
  }

  async size(): Promise<HistorySize> {
    const connection = this.#connect()
    const { database } = connection
    const pragma = (name: string) => database.pragma(name, { simple: true }) as number
    const first = FIRST.map((text) => connection.sql(text).get() as { id: number; at: number } | undefined)
      .filter((entry) => entry !== undefined)
      .sort((a, b) => a.id - b.id)[0]
    const next = connection.sql('select id from ops_next').pluck().get() as number
    return {
      databaseBytes: statSync(database.name).size,
      freeBytes: pragma('page_size') * pragma('freelist_count'),
      // To count the pages of some tables is to read them all.
      historyBytes: undefined,
      entries: first ? next - first.id : 0,
      firstAt: first && new Date(first.at),
    }
  }
}

const FIRST = [
  'select id, started_at as at from ops_runs order by id limit 1',
  `select id, at from ops_events where event <> 'pruned' order by id limit 1`,
]
