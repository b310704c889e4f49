import { join } from 'node:path'
import Database from 'better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { QueuedTable } from '../../../src/queue/queue.ts'
import { claimStatements } from '../../../src/queue/sqlite/claim-statements.ts'
import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { auditQuery } from '../../../src/queue/sqlite/records.ts'
import { RUNS_OF_TASK } from '../../../src/queue/sqlite/run-list.ts'
import { settleStatement } from '../../../src/queue/sqlite/settle.ts'
import { existingTable } from '../../../src/task-table/existing-table.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { queued } from '../../support/queued.ts'
import { makeFolder, removeFolder } from '../../support/temporary-folder.ts'
import { queuedBuilds, queuedChecks, queuedDeployments, queuedReleases } from '../tables.ts'

const SIZE = 20_000

/** A table of the application without `run_at` and with ids of its own. */
const queuedOrders = queued(
  existingTable({
    sqlite: sqliteTable('orders', {
      id: text('id').primaryKey(),
      status: text('status').notNull().default('pending'),
      createdAt: integer('created_at', { mode: 'timestamp_ms' }).notNull(),
      customer: text('customer'),
    }),
  }),
  { exclusivity: { kind: 'column', name: 'customer', column: 'customer' } },
)

const tables = [queuedChecks, queuedBuilds, queuedDeployments, queuedReleases, queuedOrders]
const polling = tables.map((table) => [table.table.name, table] as const)
const now = Date.now()

describe.each(['without', 'with'])(
  `the plans at ${SIZE} pending and ${SIZE} finished tasks, %s ANALYZE`,
  (analyzed) => {
    let folder: string
    let database: Database.Database

    beforeAll(async () => {
      folder = makeFolder()
      const file = join(folder, 'ops.db')
      const queue = new SqliteQueue(file, { synchronous: 'NORMAL' })
      await queue.migrate([], [])
      const filling = new Database(file)
      fill(filling)
      filling.close()
      await queue.migrate([], tables)
      await queue.close()
      // Opened only now: EXPLAIN does not notice what others change in the schema.
      database = new Database(file)
      if (analyzed === 'with') database.exec('analyze')
    })
    afterAll(() => {
      database.close()
      removeFolder(folder)
    })

    const plan = (sql: string) => planOf(database, sql)

    it.each(polling)('search for a task of %s by an index', (_, table) => {
      const [look, ...prerequisites] = plan(statements(table).peek).filter((line) => !line.startsWith('CORRELATED'))
      expect(look).toMatch(
        new RegExp(`^SEARCH ${table.table.name} USING ${table.after.length > 0 ? '' : 'COVERING '}INDEX$`),
      )
      expect(prerequisites).toEqual(table.after.map(() => 'SEARCH p USING INTEGER PRIMARY KEY'))
    })

    it.each(polling)('start a run on %s by an index, without a sort', (_, table) => {
      const [first] = statements(table).finds
      const lines = plan(first!)
      const alias = table.exclusivity.kind === 'column' ? table.table.name : 't'
      const [search, ...others] = lines.filter((line) => / USING (COVERING )?INDEX$/.test(line))
      expect(search).toBe(`SEARCH ${alias} USING INDEX`)
      expect(others.every((line) => /^SEARCH p /.test(line))).toBe(true)
      expect(unfit(lines.filter((line) => line !== search))).toEqual([])
      expect(lines.join('\n')).not.toContain('TEMP B-TREE')
    })

    it.each([
      ['deployments', queuedDeployments],
      ['releases', queuedReleases],
      ['orders', queuedOrders],
    ] as const)('walk the keys of %s by an index and sort only their first tasks', (name, table) => {
      const [, walk] = statements(table).finds
      const lines = plan(walk!)
      expect(unfit(lines)).toEqual([])
      expect(lines.filter((line) => line.includes('TEMP B-TREE'))).toEqual(['USE TEMP B-TREE FOR ORDER BY'])
      const used = detailsOf(database, walk!).filter((line) => line.includes(` ${name} USING `))
      expect(used).toHaveLength(3)
      for (const line of used)
        expect(line).toMatch(
          new RegExp(`^SEARCH ${name} USING (COVERING )?INDEX ops_${name}_due_by_key \\(status=\\? AND \\w+[=>]\\?`),
        )
    })

    it.each(polling)('change one row of %s by its id', (name, table) => {
      const { ongoing } = statements(table)
      const ways = [`SEARCH ${name} USING INTEGER PRIMARY KEY`, `SEARCH ${name} USING INDEX`]
      expect(ways).toContain(plan(ongoing).join('\n'))
      for (const status of ['succeeded', 'failed']) {
        const lines = plan(settleStatement(table.table, status, []))
        expect(unfit(lines)).toEqual([])
        expect(ways).toContain(lines[0])
      }
    })

    it.each(polling.filter(([, { table }]) => 'runAt' in table.columns))(
      'find the next due time of %s by an index',
      (name, table) => {
        expect(plan(statements(table).next!)).toEqual([`SEARCH ${name} USING COVERING INDEX`])
      },
    )

    it('find the runs and the audit of a task by its list, and look through the latest runs', () => {
      const reads = (sql: string) =>
        detailsOf(database, sql).filter((line) => /^(SCAN|SEARCH) (?!ops_audit|\()/.test(line))
      const byId = 'SEARCH ops_runs USING INTEGER PRIMARY KEY (rowid=?)'
      const latest = ['SEARCH ops_runs USING INTEGER PRIMARY KEY (rowid>?)', 'SCAN ops_runs_listed']
      const key = '(task_id=?)'
      expect(reads(RUNS_OF_TASK)).toEqual([
        'SEARCH r USING INTEGER PRIMARY KEY (rowid=?)',
        `SEARCH k USING PRIMARY KEY ${key}`,
        'SEARCH l USING INTEGER PRIMARY KEY (rowid>?)',
        'SCAN ops_runs_listed',
      ])
      const listed = [`SEARCH k USING PRIMARY KEY ${key}`, byId, ...latest]
      const events = `SEARCH ops_events USING INDEX ops_events_of_task ${key}`
      expect(reads(`select * from ops_audit where task_table = 'a' and task_id = 1 order by id`)).toEqual([
        ...[...listed, ...listed],
        events,
      ])
      expect(reads(auditQuery({ table: 'a', taskId: 1, limit: 10 }))).toEqual([...listed, ...listed, events])
    })

    it('read the newest entries of the audit, and those after a number, as far as the limit', () => {
      for (const after of [undefined, 1]) {
        const lines = plan(auditQuery({ after, limit: 10 }))
        expect(lines.filter((line) => line.includes('TEMP B-TREE'))).toEqual(['USE TEMP B-TREE FOR ORDER BY'])
        expect(lines.at(-1)).toBe('USE TEMP B-TREE FOR ORDER BY')
        const byNumber = (table: string) =>
          after === undefined ? `SCAN ${table}` : `SEARCH ${table} USING INTEGER PRIMARY KEY`
        const end = 'SEARCH ops_runs USING INTEGER PRIMARY KEY'
        expect(lines.filter((line) => /^(SCAN|SEARCH) (ops_\w+|f)/.test(line))).toEqual([
          byNumber('ops_runs'),
          ...[byNumber('ops_runs'), end],
          ...[byNumber('f'), end],
          byNumber('ops_events'),
        ])
      }
    })

    it('use an index for each look-up of a trigger', () => {
      const triggers = database
        .prepare(`select name, sql from sqlite_master where type = 'trigger' order by name`)
        .all() as { name: string; sql: string }[]
      expect(triggers.length).toBeGreaterThan(tables.length * 5)
      for (const { name, sql } of triggers) {
        for (const statement of lookups(sql)) expect(unfit(plan(statement)), `${name}: ${statement}`).toEqual([])
      }
    })

    describe('the first statement of a claim', () => {
      it.each(polling)('finds the first due and free task of %s', (_, table) => {
        const busy = table.exclusivity.kind === 'column' ? ['key-0', 'key-1', 'key-2'] : []
        const found = inRolledBack(database, () => {
          for (const key of busy) holdKey(database, table, key)
          return find(database, table, 0)
        })
        expect(found).toBe(firstByHand(database, table, busy))
      })

      it.each([queuedDeployments, queuedOrders])(
        'leaves tasks behind 50 waiting ones to the second statement',
        (table) => {
          const busy = Array.from({ length: 19 }, (_, index) => `key-${index}`)
          const { first, second, expected } = inRolledBack(database, () => {
            for (const key of busy) holdKey(database, table, key)
            clearTheWay(database, table, 'key-19')
            const expected = firstByHand(database, table, busy)
            return { expected, first: find(database, table, 0), second: find(database, table, 1) }
          })
          expect(first).toBeUndefined()
          expect(second).toBe(expected)
        },
      )
    })
  },
)

/** Rows before the guarantees, so that no trigger minds their states: run times that do not follow the ids. */
function fill(database: Database.Database): void {
  database.exec(`
    ${[queuedBuilds, queuedChecks, queuedDeployments, queuedReleases].map(({ table }) => createTaskTable(table)).join(';')};
    create table orders (
      id text primary key not null, status text not null default 'pending', created_at integer not null, customer text
    );
    create temp view numbers as
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${2 * SIZE}) select n from numbers;
    begin`)
  const status = `iif(n % 2 = 0, 'pending', 'succeeded')`
  // Every tenth is not yet due.
  const at = `${now} - 1000000 + (n * 7919) % 1000000 + iif(n % 20 = 0, 100000000, 0)`
  const key = `'key-' || (n % 40 / 2)`
  database.exec(`
    insert into checks (status, run_at) select ${status}, ${at} from numbers;
    insert into builds (status, run_at, repository) select ${status}, ${at}, 'a' from numbers;
    insert into deployments (status, run_at, environment) select ${status}, ${at}, ${key} from numbers;
    insert into releases (status, run_at, environment, build_id, check_id)
      select ${status}, ${at}, ${key}, iif(n % 3 = 0, n, null), iif(n % 5 = 0, n, null) from numbers;
    insert into orders (id, status, created_at, customer)
      select printf('order-%07d', (n * 104729) % 1000003), ${status}, ${at}, ${key} from numbers;
    insert into ops_runs (id, follows, task_table, task_id, attempt, worker_id, exclusive_key, started_at, end_id, ended_at, outcome)
      select 2 * n, 2 * n - 2, 'deployments', n, 1, 'one', 'environment:' || ${key}, 1, 2 * n + 1, 2, 'succeeded' from numbers where n % 2 = 1;
    commit`)
}

function statements(table: QueuedTable) {
  return claimStatements(table, 'one')
}

/** The lines of a plan, without the names of indexes and their constraints. */
function planOf(database: Database.Database, sql: string): string[] {
  return detailsOf(database, sql).map((detail) =>
    detail.replace(/( USING (COVERING INDEX|INDEX|INTEGER PRIMARY KEY)) .*/, '$1'),
  )
}

function detailsOf(database: Database.Database, sql: string): string[] {
  const values = Array.from(sql.matchAll(/\?/g), () => now)
  const named = Object.fromEntries(Array.from(sql.matchAll(/@(\w+)/g), ([, name]) => [name, 1]))
  const rows = database.prepare(`explain query plan ${sql}`).all(...values, named) as { detail: string }[]
  return rows.map(({ detail }) => detail)
}

/** What a statement of the polling path must not do: read a whole table, or sort where an index gives the order. */
function unfit(lines: readonly string[]): string[] {
  return lines.filter((line, index) => {
    if (line.startsWith('SCAN')) return !isSmall(line, lines.slice(0, index))
    return line.includes('AUTOMATIC')
  })
}

/** A scan of the rows of a subquery that is bounded itself, of the keys, of the next number, or of a table that is all but empty. */
function isSmall(scan: string, before: readonly string[]): boolean {
  const scanned = scan.split(' ')[1]!
  if (['ops_actor', 'keys', 'CONSTANT', 'n'].includes(scanned)) return true
  return before.includes(`CO-ROUTINE ${scanned}`) || before.includes(`MATERIALIZE ${scanned}`)
}

/** The statements in a trigger, and its condition as one, with any value for the columns of the row. */
function lookups(trigger: string): string[] {
  const anyRow = trigger.replaceAll(/\b(new|old)\."?\w+"?/g, '?').replaceAll(/raise\(abort, '[^']*'\)/g, 'null')
  const [head, body] = anyRow.split(/\nbegin\n/i) as [string, string]
  const when = /\swhen\s(.*)$/is.exec(head)?.[1]
  const statements = body.replace(/;?\s*end;?\s*$/i, '').split(/;\s*\n/)
  return when === undefined ? statements : [`select ${when}`, ...statements]
}

function find(database: Database.Database, table: QueuedTable, which: number): unknown {
  const sql = statements(table).finds[which]!
  const due = sql.includes('?') ? [now] : []
  return (database.prepare(sql).get(...due) as { id: unknown } | undefined)?.id
}

/** What the claim must find, without an index and without ops' SQL. */
function firstByHand(
  database: Database.Database,
  { table, exclusivity, after }: QueuedTable,
  busy: readonly string[],
): unknown {
  const time = 'runAt' in table.columns ? 'run_at' : 'created_at'
  const due = time === 'run_at' ? `and +run_at <= ${now}` : ''
  const free =
    exclusivity.kind === 'column' ? `and +${exclusivity.column} not in (${busy.map((key) => `'${key}'`)})` : ''
  const ready = after
    .map(({ column, table: awaited }) => {
      const waiting = `select id from ${awaited} where +status in ('pending', 'ongoing')`
      return `and (+${column} is null or +${column} not in (${waiting}))`
    })
    .join(' ')
  const sql = `select id from ${table.name} where +status = 'pending' ${due} ${free} ${ready} order by +${time}, +id limit 1`
  return database.prepare(sql).pluck().get()
}

function holdKey(database: Database.Database, { exclusivity }: QueuedTable, key: string): void {
  const { name } = exclusivity as { name: string }
  database.prepare(`insert into ops_open (scope, what, run_id) values ('ops_key', ?, 1)`).run(`${name}:${key}`)
}

/** Leaves no task of a key among the first ones. */
function clearTheWay(database: Database.Database, { table, exclusivity }: QueuedTable, key: string): void {
  const { column } = exclusivity as { column: string }
  const time = 'runAt' in table.columns ? 'run_at' : 'created_at'
  database
    .prepare(
      `update ${table.name} set ${column} = 'key-0' where ${column} = ? and id in (
         select id from ${table.name} where status = 'pending' order by ${time}, id limit 100)`,
    )
    .run(key)
}

function inRolledBack<T>(database: Database.Database, change: () => T): T {
  database.exec('begin')
  try {
    return change()
  } finally {
    database.exec('rollback')
  }
}
