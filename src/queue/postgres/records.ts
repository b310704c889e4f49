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
import { Audit } from './audit.ts'
import type { Connection } from './connection.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'
import { hasNumbers } from './task-sql.ts'
import { drizzleTypes } from './type-parsers.ts'
import { decodeId, decodeRow, instantExpression, isExisting, nowFor, toInstant } from './values.ts'

/** Found by the marks of their guarantees, because long trigger names are truncated. */
const TASK_TABLES = `select distinct c.relname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
where pg_table_is_visible(c.oid) and starts_with(obj_description(t.oid, 'pg_trigger'), 'ops:' || c.relname || ':')
order by 1`

/** `to_regclass` finds the table along the search path, like an unqualified name in a statement. */
const COLUMNS = `select a.attname::text as name, format_type(a.atttypid, null) as type, a.attnotnull as required,
  (a.atthasdef or a.attidentity <> '') as defaulted, f.target
from pg_attribute a left join lateral (
  select c.confrelid::regclass::text as target from pg_constraint c
  where c.conrelid = a.attrelid and c.contype = 'f' and c.conkey = array[a.attnum] limit 1
) f on true
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum`

export async function findTask(
  session: Session,
  table: TaskTable,
  id: TaskId,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = `select * from ${quote(table.name)} where id = $1`
  const [row] = await session.query(text, [id], isExisting(table) ? drizzleTypes : undefined)
  return row && decodeRow(table, row)
}

export class PostgresRecords implements Records {
  readonly #connection: Connection
  readonly #audit: Audit

  constructor(connection: Connection) {
    this.#connection = connection
    this.#audit = new Audit(connection)
  }

  async tables(): Promise<string[]> {
    const rows = await this.#connection.use((session) => session.query(TASK_TABLES, []))
    return rows.map(({ name }) => name)
  }

  async columns(table: string): Promise<DatabaseColumn[] | undefined> {
    return databaseColumns(
      (await this.#connection.use((session) => session.query(COLUMNS, [quote(table)]))) as ColumnRow[],
    )
  }

  async tasks(
    table: TaskTable,
    { statuses, limit }: { statuses: readonly Status[]; limit: number },
  ): Promise<Readonly<Record<string, unknown>>[]> {
    const types = isExisting(table) ? drizzleTypes : undefined
    let rows: Row[] = []
    for (const text of newestTasks(table, statuses, limit)) {
      rows = await this.#connection.use((session) => session.query(text, [], types))
      if (rows.length === limit) break
    }
    return rows.map((row) => decodeRow(table, row))
  }

  async ahead(
    { queued: own, id }: { queued: QueuedTable; id: TaskId },
    before: readonly QueuedTable[],
  ): Promise<TasksAhead[]> {
    const counts: TasksAhead[] = []
    for (const queued of [...before, own]) {
      const { processor, table } = queued
      const name = quote(table.name)
      const order = claimOrder(table)
      const runAt = columnNamed(table, 'run_at')
      const ids = queued === own ? [String(id)] : []
      const due = runAt && nowFor(runAt, `$${ids.length + 1}`)
      const isDue = due ? ` and run_at <= ${due.now}` : ''
      const isEarlier = queued === own ? ` and (${order}) < (select ${order} from ${name} where id = $1)` : ''
      const text = `select count(*)::int as count from (
  select 1 from ${name} where status = 'pending'${isDue}${isEarlier} limit ${MOST_COUNTED}
) t`
      const bound = [...ids, ...(due?.bound ?? [])]
      const [row] = await this.#connection.use((session) => session.query(text, bound))
      counts.push({ processor, count: row!.count })
    }
    return counts
  }

  async oldestDue(table: TaskTable): Promise<DueTask | undefined> {
    const runAt = columnNamed(table, 'run_at')
    const at = runAt ?? columnNamed(table, 'created_at')!
    const due = runAt && nowFor(runAt, '$1')
    const isDue = due ? ` and run_at <= ${due.now}` : ''
    const text = `select id, ${instantExpression(at, at.name)} as at from ${quote(table.name)}
where status = 'pending'${isDue} order by ${claimOrder(table)} limit 1`
    const [row] = await this.#connection.use((session) => session.prepared(text, due?.bound))
    return row && { id: decodeId(table, row.id), since: toInstant(at, row.at) }
  }

  async runs(table: TaskTable, id: TaskId): Promise<RunRecord[]> {
    // Materialized: otherwise the planner may walk all runs in the order of their ids.
    const text = `with own as materialized (
  select * from ops_runs where task_table = $1 and ${hasNumbers(table) ? 'task_id' : 'task_key'} = $2
) select * from own order by id`
    const rows = await this.#connection.use((session) => session.query(text, [table.name, String(id)]))
    return rows.map((row) => ({
      id: row.id,
      attempt: row.attempt,
      workerId: row.worker_id,
      exclusiveKey: row.exclusive_key ?? undefined,
      startedAt: row.started_at,
      deadlineAt: row.deadline_at ?? undefined,
      endedAt: row.ended_at ?? undefined,
      outcome: row.outcome ?? undefined,
      error: row.error ?? undefined,
    }))
  }

  audit(filter: AuditFilter): Promise<AuditEntry[]> {
    return this.#audit.read(filter)
  }
}
