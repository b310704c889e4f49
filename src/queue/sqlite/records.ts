import type { Status } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { newestTasks } from '../newest-tasks.ts'
import type { QueuedTable, TaskId } from '../queue.ts'
import {
  type AuditEntry,
  type AuditFilter,
  type DueTask,
  MOST_COUNTED,
  type Records,
  type RunRecord,
  type TasksAhead,
} from '../records.ts'
import { claimOrder, quote } from '../sql-fragments.ts'
import { type ColumnRow, type DatabaseColumn, databaseColumns } from '../table-columns.ts'
import type { Connection } from './connection.ts'
import { RUNS_OF_TASK } from './run-list.ts'
import { decodeRow, instant, millisecondsOf } from './values.ts'

export function findTask(
  connection: Connection,
  table: TaskTable,
  id: TaskId,
): Readonly<Record<string, unknown>> | undefined {
  const row = connection.sql(`select * from ${quote(table.name)} where id = ?`).get(id)
  return row === undefined ? undefined : decodeRow(table, row as Record<string, unknown>)
}

export class SqliteRecords implements Records {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  async tables(): Promise<string[]> {
    const text = `select tbl_name from sqlite_master where type = 'trigger' and name = 'ops_' || tbl_name || '_inserted' order by 1`
    return this.#connect().sql(text).pluck().all() as string[]
  }

  async columns(table: string): Promise<DatabaseColumn[] | undefined> {
    const text = `select c.name, c.type, c."notnull" as required, c.dflt_value is not null as defaulted, f."table" as target
      from pragma_table_info(?) c left join pragma_foreign_key_list(?) f on f."from" = c.name order by c.cid`
    return databaseColumns(this.#connect().sql(text).all(table, table) as ColumnRow[])
  }

  async tasks(
    table: TaskTable,
    { statuses, limit }: { statuses: readonly Status[]; limit: number },
  ): Promise<Readonly<Record<string, unknown>>[]> {
    let rows: Record<string, unknown>[] = []
    for (const text of newestTasks(table, statuses, limit)) {
      rows = this.#connect().sql(text).all() as Record<string, unknown>[]
      if (rows.length === limit) break
    }
    return rows.map((row) => decodeRow(table, row))
  }

  async ahead(
    { queued: own, id }: { queued: QueuedTable; id: TaskId },
    before: readonly QueuedTable[],
  ): Promise<TasksAhead[]> {
    return [...before, own].map(({ processor, table }) => {
      const name = quote(table.name)
      const order = claimOrder(table)
      const runAt = columnNamed(table, 'run_at')
      const conditions = [
        `status = 'pending'`,
        ...(runAt ? ['run_at <= ?'] : []),
        ...(table === own.table ? [`(${order}) < (select ${order} from ${name} where id = ?)`] : []),
      ]
      const bound = [...(runAt ? [instant(runAt, Date.now())] : []), ...(table === own.table ? [id] : [])]
      const text = `select count(*) from (select 1 from ${name} where ${conditions.join(' and ')} limit ${MOST_COUNTED})`
      return {
        processor,
        count: this.#connect()
          .sql(text)
          .pluck()
          .get(...bound) as number,
      }
    })
  }

  async oldestDue(table: TaskTable): Promise<DueTask | undefined> {
    const runAt = columnNamed(table, 'run_at')
    const at = runAt ?? columnNamed(table, 'created_at')!
    const isDue = runAt ? ' and run_at <= ?' : ''
    const row = this.#connect()
      .sql(
        `select id, ${at.name} as at from ${quote(table.name)} where status = 'pending'${isDue} order by ${claimOrder(table)} limit 1`,
      )
      .get(...(runAt ? [instant(runAt, Date.now())] : [])) as { id: TaskId; at: unknown } | undefined
    return row && { id: row.id, since: new Date(millisecondsOf(at, row.at)) }
  }

  async runs(table: TaskTable, id: TaskId): Promise<RunRecord[]> {
    const rows = this.#connect().sql(RUNS_OF_TASK).all({ table: table.name, taskId: id }) as Record<string, never>[]
    return rows.map((row) => ({
      id: row.id!,
      attempt: row.attempt!,
      workerId: row.worker_id!,
      exclusiveKey: row.exclusive_key ?? undefined,
      startedAt: new Date(row.started_at!),
      deadlineAt: toDate(row.deadline_at!),
      endedAt: toDate(row.ended_at!),
      outcome: row.outcome ?? undefined,
      error: row.error ?? undefined,
    }))
  }

  async audit(filter: AuditFilter): Promise<AuditEntry[]> {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined)
    const rows = this.#connect().sql(auditQuery(filter)).all(Object.fromEntries(given)) as Record<string, never>[]
    const entries = rows.map((row) => ({
      id: row.id!,
      at: new Date(row.at!),
      taskTable: row.task_table ?? undefined,
      taskId: row.task_id ?? undefined,
      runId: row.run_id ?? undefined,
      event: row.event!,
      fromStatus: row.from_status ?? undefined,
      toStatus: row.to_status ?? undefined,
      actor: row.actor ?? undefined,
      detail: row.detail === null ? undefined : JSON.parse(row.detail!),
    }))
    return filter.after === undefined ? entries.reverse() : entries
  }
}

/**
 * The view finds the entries of one task. For all others, each part of it is read in the order of the numbers, as far as the
 * limit; an end is found by the run that follows it, or in `ops_ends`.
 */
export function auditQuery({ table, taskId, after }: AuditFilter): string {
  const isAbout = [
    ...(table === undefined ? [] : ['task_table = @table']),
    ...(taskId === undefined ? [] : ['task_id = @taskId']),
  ]
  const isAfter = (...ids: string[]) => (after === undefined ? [] : ids.map((id) => `${id} > @after`))
  const first = (from: string, conditions: readonly string[], by = 'id') => {
    const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''
    return `select ${from} ${where} order by ${by} ${after === undefined ? 'desc' : 'asc'} limit @limit`
  }
  const isEntry = [...isAbout, ...isAfter('id')]
  if (isAbout.length === 2) return first('* from ops_audit', isEntry)
  const isEnd = [...isAbout, ...isAfter('f.id', 'e.id')]
  const followers = isAbout.length > 0 ? 'ops_runs' : `(${first('id, follows from ops_runs', isAfter('id'))})`
  const parts = [
    first('* from ops_run_starts', isEntry),
    first(
      `e.* from (select id, follows from ${followers}) f join ops_run_ends e on e.run_id = f.follows`,
      isEnd,
      'f.id',
    ),
    first('e.* from ops_ends f join ops_run_ends e on e.run_id = f.run_id', isEnd, 'f.id'),
    first('id, at, task_table, task_id, run_id, event, from_status, to_status, actor, detail from ops_events', isEntry),
  ]
  return first(`* from (${parts.map((part) => `select * from (${part})`).join(' union all ')})`, [])
}

function toDate(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds)
}
