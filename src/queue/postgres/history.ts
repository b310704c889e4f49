import type { History, HistorySize, PruneOptions, PrunePass, PruneStep, PruneTable } from '../history.ts'
import { pruneTables } from '../prune.ts'
import { covers } from '../prune-decisions.ts'
import type { TaskId } from '../queued-table.ts'
import type { Connection } from './connection.ts'
import { PostgresPruning } from './prune.ts'

/** The numbers of the sequence may be those of a transaction that was undone. */
const SIZE = `select pg_database_size(current_database())::float8 as database,
  (pg_total_relation_size('ops_runs') + pg_total_relation_size('ops_events'))::float8 as history,
  (select last_value from ops_sequence) - least((select min(id) from ops_runs), (select id from ops_events where event <> 'pruned' order by id limit 1)) + 1 as entries,
  least((select started_at from ops_runs order by id limit 1), (select at from ops_events where event <> 'pruned' order by id limit 1)) as first_at`

export class PostgresHistory implements History {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  prune(tables: readonly PruneTable[], options: PruneOptions): AsyncGenerator<PruneStep, void, void> {
    return pruneTables(new PostgresPruning(this.#connection), tables, options)
  }

  async prunedBy(table: string, id: TaskId): Promise<Date | undefined> {
    const text = `select at, detail from ops_events
      where task_table = $1 and task_id is null and task_key is null and event = 'pruned' order by id desc`
    const rows = await this.#connection.use((session) => session.query(text, [table]))
    return rows.find(({ detail }) => covers(detail as PrunePass, id))?.at
  }

  async size(): Promise<HistorySize> {
    const [row] = await this.#connection.use((session) => session.query(SIZE))
    return {
      databaseBytes: row!.database,
      freeBytes: undefined,
      historyBytes: row!.history,
      entries: row!.entries ?? 0,
      firstAt: row!.first_at ?? undefined,
    }
  }
}
