/** So many tasks are enqueued at once, and then performed. */
const BATCH = 1000

export interface HistoryTable {
  readonly name: string
  /** How many of its tasks have ended: thousands. */
  readonly finished: number
  /** Whether its tasks have a key, by their environment. */
  readonly hasKey?: boolean
}

/**
 * Statements that fill a database as ops leaves it, one table after the other. They come before the guarantees, whose triggers
 * would refuse rows that have ended.
 */
export function historyOf(tables: readonly HistoryTable[], database: 'sqlite' | 'postgres'): string[] {
  const statements: string[] = []
  let last = 0
  for (const table of tables) {
    statements.push(...(database === 'sqlite' ? inSqlite(table, last) : inPostgres(table, last)))
    last += 3 * table.finished
  }
  const end = {
    sqlite: `update ops_runs_listed set run_id = ${last}`,
    postgres: `select setval('ops_sequence', ${last})`,
  }
  return [...statements, end[database]]
}

/** What the statements have in common, for the task `n` of a table. */
function parts({ name, finished, hasKey }: HistoryTable, first: number) {
  const batch = `${first} + (n - 1) / ${BATCH} * ${3 * BATCH}`
  const place = `((n - 1) % ${BATCH} + 1)`
  return {
    table: `'${name}'`,
    event: `(${batch} + ${place})`,
    run: `(${batch} + ${BATCH - 1} + 2 * ${place})`,
    isFirst: `${place} = 1`,
    isLast: `${place} = ${BATCH}`,
    environment: `'env-' || (n % 50)`,
    key: hasKey ? `'environment:env-' || (n % 50)` : 'null',
    // Only long ago: the newest failure is behind as many tasks as there are.
    status: `case when n < ${finished / 3} and n % 300 = 1 then 'failed' when n < ${finished / 3} and n % 3000 = 2 then 'canceled' else 'succeeded' end`,
    error: `case when n < ${finished / 3} and n % 300 = 1 then 'the build command failed with exit code 1' end`,
    worker: `'app-1-' || (4000 + n / 100000) || '-3fa9c1'`,
  }
}

function inSqlite(table: HistoryTable, first: number): string[] {
  const { event, run, isFirst, isLast, environment, key, status, error, worker, table: name } = parts(table, first)
  const numbers = `with recursive i (n) as (select 1 union all select n + 1 from i where n < ${table.finished})`
  const at = (ms: number) => `1790000000000 + n * 1000 + ${ms}`
  return [
    `insert into ${table.name} (id, environment, status, created_at, run_at, attempt, started_at, finished_at, error, progress)
     ${numbers} select n, ${environment}, ${status}, ${at(0)}, ${at(0)}, 1, ${at(3)}, ${at(9)}, ${error}, iif(${status} = 'succeeded', 1, null) from i`,
    `insert into ops_events (id, at, task_table, task_id, event, to_status)
     ${numbers} select ${event}, ${at(0)}, ${name}, n, 'enqueued', 'pending' from i`,
    `insert into ops_runs (id, follows, task_table, task_id, attempt, worker_id, exclusive_key, started_at, end_id, ended_at, outcome, error)
     ${numbers} select ${run}, iif(${isFirst}, null, ${run} - 2), ${name}, n, 1, ${worker}, ${key}, ${at(3)}, ${run} + 1, ${at(9)}, ${status}, ${error} from i`,
    `insert into ops_runs_of_task ${numbers} select n, ${run} from i where true order by 1, 2`,
    `insert into ops_ends ${numbers} select ${run} + 1, ${run} from i where ${isLast}`,
  ]
}

function inPostgres(table: HistoryTable, first: number): string[] {
  const { event, run, environment, key, status, error, worker, table: name } = parts(table, first)
  const from = `from generate_series(1, ${table.finished}) n`
  const at = (ms: number) => `timestamptz '2026-09-21' + n * interval '1 s' + interval '${ms} ms'`
  return [
    `insert into ${table.name} (environment, status, created_at, run_at, attempt, started_at, finished_at, error, progress)
     select ${environment}, ${status}, ${at(0)}, ${at(0)}, 1, ${at(3)}, ${at(9)}, ${error}, case ${status} when 'succeeded' then 1 end ${from}`,
    `insert into ops_events (id, at, task_table, task_id, task_key, event, to_status, actor)
     select ${event}, ${at(0)}, ${name}, n, null, 'enqueued', 'pending', 'postgres' ${from}`,
    `insert into ops_runs (id, task_table, task_id, task_key, attempt, worker_id, exclusive_key, started_at, end_id, ended_at, outcome, error)
     select ${run}, ${name}, n, null, 1, ${worker}, ${key}, ${at(3)}, ${run} + 1, ${at(9)}, ${status}, ${error} ${from}`,
  ]
}
