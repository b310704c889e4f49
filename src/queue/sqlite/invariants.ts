import {
  type InvariantSql,
  type Invariants,
  invariantQueries,
  type Violation,
  type ViolationRow,
  violationOf,
} from '../invariants.ts'
import { KEY_SCOPE } from '../sql-fragments.ts'
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
}

/** The caller has a transaction open. */
function repair(connection: Connection, violation: Violation, actor: string): void {
  const { code, table, taskId, runId, value } = violation
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
  } else if (runId !== undefined) connection.sql('delete from ops_open where run_id = ?').run(runId)
  const task = table === undefined || taskId === undefined ? undefined : { table, id: taskId, ...(runId && { runId }) }
  const change = code === 'STATUS_UNEXPLAINED' ? ([value, violation.status] as never) : undefined
  recordEvent(connection, 'repaired', actor, task, { code, ...(value !== undefined && { value }) }, change)
}
