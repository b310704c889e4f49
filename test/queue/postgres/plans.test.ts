import { pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageStatement } from '../../../src/queue/postgres/audit.ts'
import { candidates, claimStatement } from '../../../src/queue/postgres/claim.ts'
import { OPEN_RUNS, STATE_OF } from '../../../src/queue/postgres/open-runs.ts'
import { openSession } from '../../../src/queue/postgres/open-session.ts'
import { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import type { Session } from '../../../src/queue/postgres/session.ts'
import { settleStatement } from '../../../src/queue/postgres/settle.ts'
import { nextDueStatement } from '../../../src/queue/postgres/wake-up.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { existingTable } from '../../../src/task-table/existing-table.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { createDatabase, dropDatabase, postgresMissing } from '../../support/postgres-fixture.ts'
import { queued } from '../../support/queued.ts'
import { unless } from '../../support/unless.ts'
import { queuedBuilds, queuedChecks, queuedDeployments, queuedReleases } from '../tables.ts'

const SIZE = 20_000

/** A table of the application without `run_at` and with ids of its own. */
const queuedOrders = queued(
  existingTable({
    postgres: pgTable('orders', {
      id: text('id').primaryKey(),
      status: text('status').notNull().default('pending'),
      createdAt: timestamp('created_at').notNull().defaultNow(),
      customer: text('customer'),
    }),
  }),
  { exclusivity: { kind: 'column', name: 'customer', column: 'customer' } },
)

/** Few keys, and rows in the order of their time: so the planner hopes to meet a key soon if it walks all that is due. */
const queuedHauls = queued(
  taskTable('hauls', (column) => ({ environment: column.text().notNull() })),
  { processor: 'haul', exclusivity: { kind: 'column', name: 'environment', column: 'environment' } },
)

const tables = [queuedChecks, queuedBuilds, queuedDeployments, queuedReleases, queuedHauls, queuedOrders]
const described = [queuedChecks, queuedBuilds, queuedDeployments, queuedReleases, queuedHauls]
const polling = tables.map((table) => [table.table.name, table] as const)

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Sort Key'?: string[]
  /** None where it was not needed. */
  'Actual Loops'?: number
  Plans?: Plan[]
}

describe.each(['before', 'after'])(
  `the plans at ${SIZE} pending and ${SIZE} finished tasks, %s ANALYZE`,
  unless(postgresMissing),
  (when) => {
    let name: string
    let session: Session
    let notices: string[]

    beforeAll(async () => {
      const made = await createDatabase()
      name = made.name
      const raw = new pg.Client(made.url)
      await raw.connect()
      const queue = new PostgresQueue(made.url)
      await queue.migrate([], [])
      await fill(raw)
      await queue.migrate([], tables)
      if (when === 'after') await raw.query('analyze')
      await raw.end()
      await queue.close()
      session = await openSession(made.url)
      notices = []
      await session.query(`load 'auto_explain'`)
      session.onNotice((notice) => notices.push(notice))
    })
    afterAll(async () => {
      await session?.close()
      await dropDatabase(name)
    })

    /** The plans of a statement and of all that its functions and triggers run, which is taken back. */
    async function plansWithin(sql: string): Promise<{ sql: string; nodes: Plan[] }[]> {
      notices.length = 0
      await session.query('begin')
      await session.query(
        `set local auto_explain.log_min_duration = 0; set local auto_explain.log_nested_statements = on;
         set local auto_explain.log_analyze = on; set local auto_explain.log_format = json; set local auto_explain.log_level = notice`,
      )
      await session.query(sql)
      await session.query('rollback')
      return notices.map((notice) => {
        const { 'Query Text': text, Plan: plan } = JSON.parse(notice.slice(notice.indexOf('{'))) as {
          'Query Text': string
          Plan: Plan
        }
        return { sql: text, nodes: nodesOf(plan) }
      })
    }

    async function plan(sql: string): Promise<Plan[]> {
      const [row] = await session.query(`explain (format json) ${sql}`)
      return nodesOf(row!['QUERY PLAN'][0].Plan)
    }

    it.each(polling)('find a task of %s by its index, without a sort', async (name, table) => {
      const [first] = candidates(table)
      const nodes = await plan(first!)
      expect(unfit(nodes)).toEqual([])
      expect(nodes.filter((node) => node['Node Type'] === 'Sort')).toEqual([])
      expect(nodes.map((node) => node['Index Name'])).toContain(`ops_${name}_due`)
    })

    it.each(polling.filter(([, { exclusivity }]) => exclusivity.kind === 'column'))(
      'walk the keys of %s by an index and sort only their first tasks',
      async (name, table) => {
        const nodes = await plan(candidates(table)[1]!)
        expect(unfit(nodes)).toEqual([])
        // Where the key is never null, newer servers know that nothing can be without one, and sort nothing.
        const sorts = nodes.filter(
          (node) => node['Node Type'] === 'Sort' && node.Plans?.[0]?.['Node Type'] !== 'Result',
        )
        expect(sorts).toHaveLength(1)
        const used = nodes.map((node) => node['Index Name']).filter((index) => index?.startsWith(`ops_${name}`))
        expect(new Set(used)).toEqual(new Set([`ops_${name}_due_by_key`]))
      },
    )

    it.each([
      ['of open runs', OPEN_RUNS, []],
      ['at a run', STATE_OF.replace('$1', '7'), []],
      ['for the next scheduled task', nextDueStatement(tables)!, []],
    ])('search %s by an index', async (_, sql) => {
      const nodes = await plan(sql)
      // The table of open runs has no other rows.
      expect(unfit(nodes).filter((each) => each !== 'Seq Scan on ops_open')).toEqual([])
      expect(nodes.filter((node) => node['Node Type'] === 'Sort')).toEqual([])
    })

    it.each([
      ['the newest entries', undefined, {}, ['ops_events_pkey', 'ops_runs_ended', 'ops_runs_pkey']],
      ['the entries after one', SIZE, {}, ['ops_events_pkey', 'ops_runs_ended', 'ops_runs_pkey']],
      [
        'those of a task',
        undefined,
        { table: 'deployments', taskId: 41 },
        ['ops_events_of_key', 'ops_events_of_task', 'ops_runs_of_key', 'ops_runs_of_task'],
      ],
    ])('read of the audit %s by indexes', async (_, after, filter, indexes) => {
      const bound: unknown[] = [100]
      const statement = pageStatement({ ...filter, limit: 100 }, after, bound)
      const nodes = await session.transaction(async () => {
        await session.query('set local enable_bitmapscan = on')
        return plan(
          bind(statement, ...bound.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))),
        )
      })
      expect(unfit(nodes)).toEqual([])
      expect([...new Set(nodes.flatMap((node) => node['Index Name'] ?? []))].sort()).toEqual(indexes)
    })

    it.each(polling)('claim from %s without scanning a table', async (name, table) => {
      const plans = await plansWithin(bind(claimStatement([table]), `'one'`, 'null'))
      expect(plans.length).toBeGreaterThan(4)
      expect(plans.flatMap(({ nodes }) => nodes.map((node) => node['Index Name']))).toContain(`ops_${name}_due`)
      for (const { sql, nodes } of plans) expect(unfit(nodes), sql).toEqual([])
    })

    it('claim without searching the tables after the one with a task', async () => {
      const statement = claimStatement([queuedBuilds, queuedChecks, queuedDeployments])
      const plans = await plansWithin(bind(statement, `'one'`, 'null'))
      const looked = plans.flatMap(({ nodes }) =>
        nodes.filter((node) => node['Actual Loops']! > 0).map((node) => node['Relation Name']),
      )
      expect(looked).toContain('builds')
      for (const behind of ['checks', 'deployments']) expect(looked).not.toContain(behind)
    })

    it.each(described.map((table) => [table.table.name, table] as const))(
      'settle a task of %s and claim the next without scanning a table',
      async (name, table) => {
        const claimed = `(select (claim->>'run') || ' ' || (claim->>'task') from (${bind(claimStatement([table]), `'one'`, 'null')}) c)`
        const [run, task] = (
          await inTransaction(session, async () => {
            const [row] = await session.query(`select ${claimed} as ids`)
            return row!.ids as string
          })
        ).split(' ')
        const settle = bind(
          settleStatement(table.table, 0, tables),
          ...[run!, `'${task}'`, `'failed'`, `'timed_out'`, `'late'`, 'null', 'false', 'null', `'one'`],
        )
        const plans = await plansWithin(settle)
        expect(plans.map(({ sql }) => sql).join('\n')).toContain('update ops_runs')
        for (const { sql, nodes } of plans) expect(unfit(nodes), `${name}: ${sql}`).toEqual([])
        await session.query(settle)
      },
    )
  },
)

async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  return session.transaction(work)
}

/** Rows before the guarantees, so that no trigger minds their states: run times that do not follow the ids. */
async function fill(raw: pg.Client): Promise<void> {
  for (const { table } of described) await raw.query(createTaskTable(table, 'postgres'))
  const numbers = `generate_series(1, ${2 * SIZE}) n`
  const status = `case when n % 2 = 0 then 'pending' else 'succeeded' end`
  // Every tenth is not yet due.
  const at = `now() - interval '1000 s' + (n::bigint * 7919) % 1000 * interval '1 s' + case when n % 20 = 0 then interval '1 day' else '0' end`
  const key = `'key-' || (n % 40 / 2)`
  await raw.query(`
    create table orders (
      id text primary key, status text not null default 'pending', created_at timestamp not null default now(), customer text
    );
    insert into checks (status, run_at) select ${status}, ${at} from ${numbers};
    insert into builds (status, run_at, repository) select ${status}, ${at}, 'a' from ${numbers};
    insert into deployments (status, run_at, environment) select ${status}, ${at}, ${key} from ${numbers};
    insert into releases (status, run_at, environment, build_id)
      select ${status}, ${at}, ${key}, 2 * (n / 2) + 1 from ${numbers} where n < ${2 * SIZE};
    insert into hauls (status, environment) select 'succeeded', 'past' from generate_series(1, ${SIZE});
    insert into hauls (environment) select case when n > 100 then 'busy' else 'free' end from generate_series(1, ${SIZE}) n;
    insert into orders (id, status, created_at, customer)
      select 'order-' || lpad(((n::bigint * 104729) % 1000003)::text, 7, '0'), ${status}, ${at}, ${key} from ${numbers};
    insert into ops_events (task_table, task_id, task_key, event) select 'deployments', n, null, 'enqueued' from ${numbers};
    insert into ops_runs (task_table, task_id, task_key, attempt, worker_id, exclusive_key, end_id, ended_at, outcome)
      select 'deployments', n, null, 1, 'one', 'environment:' || ${key}, nextval('ops_sequence'), now(), 'succeeded' from ${numbers} where n % 2 = 1`)
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

/** What a statement of the polling path must not do: read a whole table that grows. */
function unfit(nodes: readonly Plan[]): string[] {
  return (
    nodes
      // The table of open runs has no other rows.
      .filter((node) => node['Node Type'] === 'Seq Scan' && ![undefined, 'ops_open'].includes(node['Relation Name']))
      .map((node) => `${node['Node Type']} on ${node['Relation Name']}`)
  )
}

/** A statement with its values in it. */
function bind(sql: string, ...values: string[]): string {
  return values.reduceRight((text, value, index) => text.replaceAll(`$${index + 1}`, () => value), sql)
}
