import {
  type InvariantSql,
  type Invariants,
  invariantQueries,
  type Violation,
  type ViolationRow,
  violationOf,
} from '../invariants.ts'
import { KEY_SCOPE, quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { recordEvent } from './statements.ts'

const dialect: InvariantSql = {
  id: (row) => `${row}.id`,
  // The plus keeps the planner from converting the id, which needs a scan.
  isTask: (row) => `o.what = +${row}.id`,
  isOpenTask: (row) => `${row}.id = o.what`,
  taskId: (row) => `${row}.task_id`,
  differ: (left, right) => `${left} is not ${right}`,
}

export class SqliteInvariants implements Invariants {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  async find(tables: readonly string[], { history }: { history: boolean }): Promise<Violation[]> {
    const { database } = this.#connect()
    return invariantQueries(tables, dialect, history).flatMap(({ code, sql }) =>
      (database.prepare(sql).all() as ViolationRow[]).map((row) => violationOf(code, row)),
    )
  }

  async repair(violation: Violation, actor: string): Promise<void> {
    const connection = this.#connect()
    await connection.lock.write(() => repair(connection, violation, actor))
    connection.wakeUp.signal()
  }

  async restore(violation: Violation, actor: string): Promise<void> {
    const connection = this.#connect()
    await connection.lock.write(() => restore(connection, violation, actor))
  }
}

/** The caller has a transaction open. */
function repair(connection: Connection, violation: Violation, actor: string): void {
  const { code, table, runId, value } = violation
  if (code === 'TASK_WITHOUT_AUDIT') {
    explainAll(connection, table!, actor)
    return
  }
  if (code === 'RUN_WITHOUT_ROW') {
    connection.sql('insert into ops_ends (id, run_id) select id, ? from ops_next').run(runId)
    connection
      .sql(
        `update ops_runs set end_id = (select max(id) from ops_ends), ended_at = ?, outcome = 'crashed', status_after = 'failed',
         error = 'its claim was lost', ended_by = ? where id = ? and ended_at is null`,
      )
      .run(Date.now(), actor, runId)
  }
  if (code === 'RUN_WITHOUT_KEY') {
    connection.sql(`insert into ops_open (scope, what, run_id) values ('${KEY_SCOPE}', ?, ?)`).run(value, runId)
  } else if (code === 'KEY_WITHOUT_RUN') {
    connection.sql(`delete from ops_open where scope = '${KEY_SCOPE}' and what = ?`).run(value)
  } else if (runId !== undefined) connection.sql('delete from ops_open where run_id = ?').run(runId)
  record(connection, violation, actor)
}

/** The caller has a transaction open. */
function restore(connection: Connection, violation: Violation, actor: string): void {
  connection
    .sql(
      `insert into ops_open (scope, what, run_id)
       select h.* from (
         select task_table as scope, task_id as what, id from ops_runs where id = @run and ended_at is null
         union all select '${KEY_SCOPE}', exclusive_key, id from ops_runs
         where id = @run and ended_at is null and exclusive_key is not null
       ) h where not exists (select 1 from ops_open o where o.scope = h.scope and o.what = h.what)`,
    )
    .run({ run: violation.runId })
  record(connection, violation, actor)
}

function record(connection: Connection, violation: Violation, actor: string): void {
  const { code, table, taskId, runId, value } = violation
  const task = table === undefined || taskId === undefined ? undefined : { table, id: taskId, ...(runId && { runId }) }
  const change = code === 'STATUS_UNEXPLAINED' ? ([value, violation.status] as never) : undefined
  recordEvent(connection, 'repaired', actor, task, { code, ...(value !== undefined && { value }) }, change)
}

/** Gives each task of a table an entry of the audit that has none with a status. */
function explainAll(connection: Connection, table: string, actor: string): void {
  connection
    .sql(
      `insert into ops_events (id, at, task_table, task_id, event, to_status, actor, detail)
       select n.id + row_number() over (order by t.id) - 1, n.now, @table, t.id, 'repaired', t.status, @actor,
         json_object('code', 'TASK_WITHOUT_AUDIT')
       from ${quote(table)} t, ops_next n
       where t.id not in (select task_id from ops_audit where task_table = @table and to_status is not null)`,
    )
    .run({ table, actor })
}
