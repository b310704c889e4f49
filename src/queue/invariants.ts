import type { TaskId } from './queued-table.ts'
import { KEY_SCOPE, literal, quote } from './sql-fragments.ts'

/** One contradiction between the tasks, the open runs and the audit. */
export interface Violation {
  readonly code: keyof typeof SENTENCES
  readonly table: string | undefined
  readonly taskId: TaskId | undefined
  readonly runId: number | undefined
  /** What the sentence says besides: a key, or a status. */
  readonly value: string | undefined
}

/** What a database does its own way in these queries. */
export interface InvariantSql {
  /** The id of a row of a task table, as `ops_open` and `ops_runs` have it. */
  id(row: string): string
  /** The column of `ops_runs` and `ops_audit` with that id. */
  readonly taskId: 'task_id' | 'task_key'
  /** Whether two values differ, where two nulls are the same. */
  differ(left: string, right: string): string
}

export interface InvariantQuery {
  readonly code: Violation['code']
  /** Selects `task_table`, `task_id`, `run_id` and `value` of each violation. */
  readonly sql: string
}

/** More of one kind say no more. */
const MOST_SHOWN = 20

const SENTENCES = {
  TASK_WITHOUT_RUN: ({ table, taskId }: Violation) => `${table} ${taskId} is ongoing, but no run of it is open`,
  RUN_WITHOUT_TASK: ({ table, taskId, runId, value }: Violation) =>
    `run ${runId} is open, but ${table} ${taskId} ${value === undefined ? 'does not exist' : `is ${value}`}`,
  RUN_NOT_OPEN: ({ runId }: Violation) => `run ${runId} has a row in ops_open, but it has ended or does not exist`,
  KEY_WITHOUT_RUN: ({ value, runId }: Violation) => `the key ${value} is held by run ${runId}, which is not open`,
  RUN_WITHOUT_ROW: ({ table, taskId, runId }: Violation) =>
    `run ${runId} of ${table} ${taskId} has not ended, but it has no row in ops_open`,
  STATUS_UNEXPLAINED: ({ table, taskId, value }: Violation) =>
    `the latest change of ${table} ${taskId} in the audit is not its status: ${value}`,
} as const

export function describeViolation(violation: Violation): string {
  return SENTENCES[violation.code](violation)
}

/**
 * What must hold in every committed state, as queries that find what contradicts it. Those of `openState` cost as much as
 * there are open runs and ongoing tasks; those of `history` read every task and every run.
 */
export function invariantQueries(tables: readonly string[], { id, taskId, differ }: InvariantSql) {
  const row = (code: Violation['code'], select: string, from: string): InvariantQuery => ({
    code,
    sql: `select ${select} from ${from} limit ${MOST_SHOWN}`,
  })
  const isOpen = (run: string) => `exists (select 1 from ops_open x where x.scope = ${run}.task_table
  and x.what = ${run}.${taskId} and x.run_id = ${run}.id)`
  const openState = [
    ...tables.flatMap((table) => [
      row(
        'TASK_WITHOUT_RUN',
        `${literal(table)} as task_table, t.id as task_id, null as run_id, null as value`,
        `${quote(table)} t where t.status = 'ongoing'
and not exists (select 1 from ops_open o where o.scope = ${literal(table)} and o.what = ${id('t')})`,
      ),
      row(
        'RUN_WITHOUT_TASK',
        'o.scope as task_table, o.what as task_id, o.run_id, t.status as value',
        `ops_open o left join ${quote(table)} t on ${id('t')} = o.what
where o.scope = ${literal(table)} and ${differ('t.status', `'ongoing'`)}`,
      ),
    ]),
    row(
      'RUN_NOT_OPEN',
      'r.task_table, o.what as task_id, o.run_id, null as value',
      `ops_open o left join ops_runs r on r.id = o.run_id
where o.scope <> ${literal(KEY_SCOPE)} and (r.id is null or r.ended_at is not null)`,
    ),
    row(
      'KEY_WITHOUT_RUN',
      'null as task_table, null as task_id, o.run_id, o.what as value',
      `ops_open o where o.scope = ${literal(KEY_SCOPE)}
and not exists (select 1 from ops_runs r where r.id = o.run_id and r.exclusive_key = o.what and r.ended_at is null and ${isOpen('r')})`,
    ),
  ]
  const history = [
    row(
      'RUN_WITHOUT_ROW',
      `r.task_table, r.${taskId} as task_id, r.id as run_id, null as value`,
      `ops_runs r where r.ended_at is null and not ${isOpen('r')}`,
    ),
    ...tables.map((table) =>
      row(
        'STATUS_UNEXPLAINED',
        `${literal(table)} as task_table, t.id as task_id, null as run_id, t.audited as value`,
        `(select t.id, t.status, (select a.to_status from ops_audit a where a.task_table = ${literal(table)}
  and a.${taskId} = ${id('t')} and a.to_status is not null order by a.id desc limit 1) as audited from ${quote(table)} t) t
where t.audited is not null and ${differ('t.audited', 't.status')}`,
      ),
    ),
  ]
  return { openState, history }
}
