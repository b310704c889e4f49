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
import type { Session } from './session.ts'
import { recordEvent } from './statements.ts'
import { keyOf } from './task-sql.ts'

/** @param types those of the ids, by the names of the tables */
function dialectOf(types: ReadonlyMap<string, string>): InvariantSql {
  return {
    id: (row) => `${row}.id::text`,
    isTask: (row) => `o.what = ${row}.id::text`,
    isOpenTask: (row, table) => `${row}.id = o.what::${types.get(table)}`,
    taskId: keyOf,
    differ: (left, right) => `${left} is distinct from ${right}`,
  }
}

const READ_ALL = ['seqscan', 'hashjoin', 'mergejoin'].map((way) => `set local enable_${way} = on`).join('; ')

const ID_TYPES = `select n.name, format_type(a.atttypid, a.atttypmod) as type
from unnest($1::text[]) n (name) join pg_attribute a on a.attrelid = to_regclass(quote_ident(n.name)) and a.attname = 'id'`

export class PostgresInvariants implements Invariants {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async find(tables: readonly string[], { history }: { history: boolean }): Promise<Violation[]> {
    return this.#connection.transaction(async (session) => {
      // The session's settings are for looking one row up, and not for reading all.
      if (history) await session.query(READ_ALL)
      const idTypes = await session.query(ID_TYPES, [tables])
      const dialect = dialectOf(new Map(idTypes.map(({ name, type }) => [name, type])))
      const found: Violation[] = []
      for (const { code, sql } of invariantQueries(tables, dialect, history)) {
        const rows = (await session.query(sql)) as ViolationRow[]
        found.push(...rows.map((row) => violationOf(code, row)))
      }
      return found
    })
  }

  async repair(violation: Violation, actor: string): Promise<void> {
    await this.#connection.transaction((session) => repair(session, violation, actor))
  }

  async restore(violation: Violation, actor: string): Promise<void> {
    await this.#connection.transaction(async (session) => {
      await session.query(
        `insert into ops_open (scope, what, run_id)
         select r.task_table, ${keyOf('r')}, r.id from ops_runs r where r.id = $1 and r.ended_at is null
         union all select '${KEY_SCOPE}', r.exclusive_key, r.id from ops_runs r
         where r.id = $1 and r.ended_at is null and r.exclusive_key is not null
         on conflict do nothing`,
        [violation.runId],
      )
      await record(session, violation, actor)
    })
  }
}

/** The caller has a transaction open. */
async function repair(session: Session, violation: Violation, actor: string): Promise<void> {
  const { code, table, runId, value } = violation
  if (code === 'TASK_WITHOUT_AUDIT') return explainAll(session, table!, actor)
  if (code === 'RUN_WITHOUT_ROW') {
    await session.query(
      // As the defaults of the other numbers, the transaction begins before it takes one.
      `update ops_runs set end_id = nextval(case when pg_current_xact_id() is not null then 'ops_sequence'::regclass end), ended_at = clock_timestamp(), outcome = 'crashed',
       status_after = 'failed', error = 'its claim was lost', ended_by = $1 where id = $2 and ended_at is null`,
      [actor, runId],
    )
  }
  if (code === 'RUN_WITHOUT_KEY') {
    await session.query(`insert into ops_open (scope, what, run_id) values ('${KEY_SCOPE}', $1, $2)`, [value, runId])
  } else if (code === 'KEY_WITHOUT_RUN') {
    await session.query(`delete from ops_open where scope = '${KEY_SCOPE}' and what = $1`, [value])
  } else if (runId !== undefined) await session.query('delete from ops_open where run_id = $1', [runId])
  await record(session, violation, actor)
}

async function record(session: Session, violation: Violation, actor: string): Promise<void> {
  const { code, table, taskId, runId, value } = violation
  const task = table === undefined || taskId === undefined ? undefined : { table, id: taskId, ...(runId && { runId }) }
  const change = code === 'STATUS_UNEXPLAINED' ? ([value, violation.status] as never) : undefined
  await recordEvent(session, 'repaired', actor, task, { code, ...(value !== undefined && { value }) }, change)
}

const IS_NUMBER = `pg_typeof(t.id) in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)`

/** Gives each task of a table an entry of the audit that has none with a status. */
async function explainAll(session: Session, table: string, actor: string): Promise<void> {
  await session.query(
    `insert into ops_events (task_table, task_id, task_key, event, to_status, actor, detail)
     select $1, case when ${IS_NUMBER} then t.id::text::bigint end, case when not ${IS_NUMBER} then t.id::text end, 'repaired', t.status::text, $2, '{"code":"TASK_WITHOUT_AUDIT"}'
     from ${quote(table)} t
     where t.id::text not in (select ${keyOf('a')} from ops_audit a where a.task_table = $1 and a.to_status is not null)
     order by t.id`,
    [table, actor],
  )
}
