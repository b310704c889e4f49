import type { QueuedTable } from '../../../src/queue/queue.ts'

type Rows = (sql: string) => Record<string, unknown>[]

/** Every row that a statement of another program could change. */
export function statesOf(rows: Rows): unknown {
  const ordered = [
    'ops_runs',
    'ops_events',
    'ops_ends',
    'checks',
    'builds',
    'deployments',
    'rollbacks',
    'releases',
    'syncs',
  ]
  return [
    ...ordered.map((table) => rows(`select * from ${table} order by id`)),
    rows('select * from ops_open order by scope, what'),
  ]
}

/** What must never be, each as a query: the rows that it finds. */
export function inconsistencies(rows: Rows, tables: readonly QueuedTable[]): string[] {
  const tasks = tables
    .map(({ table: { name } }) => `select '${name}' as name, id, status from ${name}`)
    .join(' union all ')
  const queries = {
    'ongoing without a run': `select name, id from (${tasks}) t
      where status = 'ongoing' and not exists (select 1 from ops_open o where o.scope = t.name and o.what = t.id)`,
    'a run without an ongoing task': `select scope, what from ops_open o where scope <> 'ops_key'
      and not exists (select 1 from (${tasks}) t where t.name = o.scope and t.id = o.what and t.status = 'ongoing')`,
    'an open run that holds no task': `select id from ops_runs r where ended_at is null
      and not exists (select 1 from ops_open o where o.scope = r.task_table and o.what = r.task_id and o.run_id = r.id)`,
    'an open run that does not hold its key': `select id from ops_runs r where ended_at is null and exclusive_key is not null
      and not exists (select 1 from ops_open o where o.scope = 'ops_key' and o.what = r.exclusive_key and o.run_id = r.id)`,
    'something held by no open run': `select * from ops_open o
      where not exists (select 1 from ops_runs r where r.id = o.run_id and r.ended_at is null)`,
    'a number twice in the audit': 'select id from ops_audit group by id having count(*) > 1',
    'an end without a place in the order': `select end_id from ops_runs r where end_id is not null
      and (select count(*) from ops_runs f where f.follows = r.id and f.id = r.end_id + 1)
        + (select count(*) from ops_ends e where e.run_id = r.id and e.id = r.end_id) <> 1`,
    'a status that the audit does not explain': `select name, t.id, status from (${tasks}) t where status is not (
      select to_status from ops_audit a where a.task_table = t.name and a.task_id = t.id and to_status is not null
      order by a.id desc limit 1)`,
  }
  return Object.entries(queries).flatMap(([what, sql]) => rows(sql).map((row) => `${what}: ${JSON.stringify(row)}`))
}
