import { describe, expect, it } from 'vitest'
import type { Status } from '../../../src/task/lifecycle.ts'
import { type SqliteFixture, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { unless } from '../../support/unless.ts'
import { statuses, transitions } from '../legal-changes.ts'
import { allTables, queuedBuilds } from '../tables.ts'
import { foreignWriters, sqliteProgram } from './foreign-writers.ts'

/** The legal way to each status, in SQL. */
const wayTo: Readonly<Record<Status, readonly Status[]>> = {
  pending: [],
  ongoing: ['ongoing'],
  succeeded: ['ongoing', 'succeeded'],
  failed: ['ongoing', 'failed'],
  canceled: ['canceled'],
}

const changes = statuses.flatMap((from) => statuses.map((to) => ({ from, to })))
const isLegal = ({ from, to }: { from: Status; to: Status }) => from === to || transitions[from].includes(to)

for (const writer of foreignWriters) {
  describe(`${writer.name} as the writer`, unless(writer.missing), () => {
    /** A database with one build, brought to a state by this writer. */
    async function withBuild(state: Status = 'pending'): Promise<SqliteFixture & { write(sql: string): void }> {
      const fixture = await sqliteFixture(allTables)
      const write = (sql: string) => writer.write(fixture.file, sql)
      write(`insert into builds (repository) values ('a')`)
      for (const status of wayTo[state]) write(`update builds set status = '${status}' where id = 1`)
      return { ...fixture, write }
    }

    describe('a change of status', () => {
      it.each(changes.filter(isLegal))('from $from to $to is accepted', async ({ from, to }) => {
        const { write, value } = await withBuild(from)
        write(`update builds set status = '${to}' where id = 1`)
        expect(value('select status from builds')).toBe(to)
      })

      it.each(changes.filter((change) => !isLegal(change)))('from $from to $to is refused', async ({ from, to }) => {
        const { write, rows } = await withBuild(from)
        const before = everything(rows)
        for (const conflict of ['', 'or ignore', 'or replace', 'or fail', 'or rollback']) {
          const update = `update ${conflict} builds set status = '${to}' where id = 1`
          expect(() => write(update)).toThrow(`build 1 cannot go from "${from}" to "${to}"`)
        }
        expect(everything(rows)).toEqual(before)
      })

      it.each(['done', 'Pending', '', null])('to the unknown status %j is refused', async (status) => {
        const { write, value } = await withBuild()
        const text = status === null ? 'null' : `'${status}'`
        expect(() => write(`update builds set status = ${text}`)).toThrow(
          `build 1 cannot go from "pending" to "${status}"`,
        )
        expect(value('select status from builds')).toBe('pending')
      })

      it('of many tasks is refused if one of them is illegal', async () => {
        const { write, rows } = await withBuild('failed')
        write(`insert into builds (repository) values ('b')`)
        expect(() => write(`update builds set status = 'canceled'`)).toThrow(
          'build 1 cannot go from "failed" to "canceled"',
        )
        expect(rows('select status from builds order by id')).toEqual([{ status: 'failed' }, { status: 'pending' }])
      })
    })

    describe('a new task', () => {
      it.each(['ongoing', 'succeeded', 'failed', 'canceled', 'done', null])(
        'that is inserted as %j is refused',
        async (status) => {
          const { write, rows } = await withBuild()
          const values = `('b', ${status === null ? 'null' : `'${status}'`})`
          for (const insert of ['insert', 'insert or ignore', 'insert or replace']) {
            expect(() => write(`${insert} into builds (repository, status) values ${values}`)).toThrow(
              `a new build must be "pending", not "${status}"`,
            )
          }
          expect(rows('select id from builds')).toHaveLength(1)
        },
      )

      it('needs only its own columns', async () => {
        const { rows } = await withBuild()
        expect(rows('select id, status, attempt, created_at > 0 as at, run_at > 0 as due from builds')).toEqual([
          { id: 1, status: 'pending', attempt: 0, at: 1, due: 1 },
        ])
      })

      it('never reuses the id of a deleted task', async () => {
        const { write, value } = await withBuild()
        write('delete from builds where id = 1')
        write(`insert into builds (repository) values ('b')`)
        expect(value('select id from builds')).toBe(2)
      })

      it('is claimed by ops', async () => {
        const { queue } = await withBuild()
        expect((await queue.claim(allTables))!.task).toMatchObject({ repository: 'a', status: 'ongoing' })
      })
    })

    describe('a task that is set to ongoing in SQL', () => {
      it('has a run', async () => {
        const { rows, queue } = await withBuild('ongoing')
        const runs = 'select task_table, task_id, attempt, worker_id, exclusive_key, ended_at from ops_runs'
        const run = { task_table: 'builds', task_id: 1, attempt: 1, worker_id: 'sql' }
        expect(rows(runs)).toEqual([{ ...run, exclusive_key: 'processor:build', ended_at: null }])
        expect(await queue.openRuns()).toHaveLength(1)
      })

      it('must wait for its exclusivity key, in any statement', async () => {
        const { write, rows } = await withBuild('ongoing')
        write(`insert into builds (repository) values ('b')`)
        const before = everything(rows)
        const [run] = rows('select id from ops_runs')
        for (const conflict of ['', 'or ignore', 'or replace', 'or fail', 'or rollback']) {
          expect(() => write(`update ${conflict} builds set status = 'ongoing' where id = 2`)).toThrow(
            `build 2 must wait: "processor:build" is held by run ${run!.id} of builds 1`,
          )
        }
        expect(everything(rows)).toEqual(before)
      })

      it('must wait for a key that a task of another table has', async () => {
        const { write, queue } = await withBuild()
        write(`insert into deployments (environment) values ('a'), ('b')`)
        write(`insert into rollbacks (environment) values ('a'), ('b'), (null), (null)`)
        const { run } = (await queue.claim(allTables.slice(2)))!
        expect(() => write(`update rollbacks set status = 'ongoing' where id = 1`)).toThrow(
          `rollback 1 must wait: "environment:a" is held by run ${run.id} of deployments 1`,
        )
        write(`update rollbacks set status = 'ongoing' where id = 2`)
        write(`update rollbacks set status = 'ongoing' where environment is null`)
      })

      it('blocks claims of ops', async () => {
        const { write, queue } = await withBuild('ongoing')
        write(`insert into builds (repository) values ('b')`)
        expect(await queue.claim(allTables)).toBeUndefined()
        write(`update builds set status = 'failed' where id = 1`)
        expect((await queue.claim(allTables))!.run.taskId).toBe(2)
      })

      it('cannot take a key twice in one statement', async () => {
        const { write, rows } = await withBuild()
        write(`insert into builds (repository) values ('b')`)
        expect(() => write(`update builds set status = 'ongoing'`)).toThrow('build 2 must wait')
        expect(rows('select id from ops_runs')).toEqual([])
      })

      it.each([
        ['succeeded', 'succeeded'],
        ['failed', 'failed'],
        ['canceled', 'canceled'],
        ['pending', 'returned'],
      ])('ends its run when it is set to %s', async (status, outcome) => {
        const { write, rows, queue } = await withBuild('ongoing')
        write(`update builds set status = '${status}', error = 'by hand' where id = 1`)
        expect(rows('select outcome, error, ended_at > 0 as ended from ops_runs')).toEqual([
          { outcome, error: 'by hand', ended: 1 },
        ])
        expect(await queue.openRuns()).toEqual([])
      })

      it('ends no run of ops', async () => {
        const { write, queue } = await withBuild()
        const { run } = (await queue.claim(allTables))!
        expect(() => write(`update builds set status = 'canceled' where id = 1`)).toThrow(
          'build 1 is ongoing and only its worker changes its status; cancel it first: ops tasks cancel build 1',
        )
        expect((await queue.stateOf(run)).isHeld).toBe(true)
      })
    })

    describe('an ongoing task', () => {
      it('cannot be deleted', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        expect(() => write('delete from builds')).toThrow(
          'build 1 is ongoing and cannot be deleted; cancel it first: ops tasks cancel build 1',
        )
        expect(everything(rows)).toEqual(before)
      })

      it('cannot be replaced', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        for (const insert of ['replace', 'insert or replace']) {
          expect(() => write(`${insert} into builds (id, repository) values (1, 'b')`)).toThrow(
            'build 1 is ongoing and cannot be replaced; cancel it first: ops tasks cancel build 1',
          )
        }
        expect(everything(rows)).toEqual(before)
      })

      it('keeps its id', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        expect(() => write('update builds set id = 7 where id = 1')).toThrow(
          'build 1 is ongoing and its id cannot change',
        )
        write(`update builds set id = 1, repository = 'c' where id = 1`)
        expect(rows('select id from builds')).toEqual([{ id: 1 }])
        expect(everything(rows)).not.toEqual(before)
      })

      it('keeps the row of its worker', async () => {
        const { queue, write } = await withBuild()
        await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
        const { run } = (await queue.claim(allTables))!
        expect(() => write('delete from ops_workers')).toThrow('a worker with an open run is not deleted')
        expect(() => write(`update ops_workers set id = 'other'`)).toThrow('the id of a worker is not changed')
        await queue.settle(run, { kind: 'succeeded', columns: {} })
        write('delete from ops_workers')
      })

      it('has a run that cannot be ended without its task', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        expect(() => write(`update ops_runs set ended_at = 1, outcome = 'by hand'`)).toThrow('CHECK')
        for (const scope of ['builds', 'ops_key'])
          expect(() => write(`delete from ops_open where scope = '${scope}'`)).toThrow('of builds 1 is open and holds')
        expect(everything(rows)).toEqual(before)
      })

      it('is not changed by an insert or ignore', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        write(`insert or ignore into builds (id, repository) values (1, 'b')`)
        write(`insert into builds (id, repository) values (1, 'b') on conflict (id) do nothing`)
        expect(everything(rows)).toEqual(before)
      })

      it('accepts changes of its other columns', async () => {
        const { write, value } = await withBuild('ongoing')
        write(`update builds set revision = 'abc' where id = 1`)
        write(
          `insert into builds (id, repository) values (1, 'b') on conflict (id) do update set repository = excluded.repository`,
        )
        expect(value(`select repository || ' ' || revision from builds`)).toBe('b abc')
      })
    })

    describe('the history', () => {
      it('of events and ends cannot be changed, deleted or replaced', async () => {
        const { write, rows } = await withBuild('succeeded')
        const before = everything(rows)
        const refusals = [
          `update ops_events set actor = 'nobody'`,
          `update or ignore ops_events set id = 99 where id = 1`,
          'update or replace ops_events set id = 99',
          'delete from ops_events',
          `replace into ops_events (id, at, event) values (1, 0, 'forged')`,
          'update or replace ops_ends set run_id = 99',
          'delete from ops_ends',
          'replace into ops_ends (id, run_id) select id, 99 from ops_ends',
        ]
        for (const sql of refusals) expect(() => write(sql), sql).toThrow('is append-only')
        for (const sql of [`update ops_audit set actor = 'nobody'`, 'delete from ops_audit'])
          expect(() => write(sql), sql).toThrow('cannot modify ops_audit because it is a view')
        expect(everything(rows)).toEqual(before)
      })

      it('of ended runs cannot be changed', async () => {
        const { write, rows } = await withBuild('succeeded')
        const before = everything(rows)
        const refusals = [
          `update ops_runs set outcome = 'failed'`,
          'update ops_runs set ended_at = null',
          `update or replace ops_runs set worker_id = 'nobody'`,
          'delete from ops_runs',
          `replace into ops_runs (id, task_table, task_id, attempt, worker_id, started_at) select id, 'a', 1, 1, 'b', 0 from ops_runs`,
        ]
        for (const sql of refusals) expect(() => write(sql), sql).toThrow('history')
        expect(everything(rows)).toEqual(before)
      })

      it('keeps open runs too', async () => {
        const { write, rows } = await withBuild('ongoing')
        const before = everything(rows)
        expect(() => write('delete from ops_runs')).toThrow('history')
        const refusals = [
          'worker_id',
          'exclusive_key',
          'attempt',
          'started_at',
          'id',
          'task_table',
          'task_id',
          'follows',
        ]
        for (const column of refusals)
          expect(() => write(`update or replace ops_runs set ${column} = 7`), column).toThrow('what a run is about')
        expect(everything(rows)).toEqual(before)
      })

      it('has one open run per task and per key', async () => {
        const { write, rows } = await withBuild('ongoing')
        write(`insert into checks default values; update checks set status = 'ongoing'`)
        const before = everything(rows)
        const insert = 'insert into ops_open (scope, what, run_id) values'
        expect(() => write(`${insert} ('builds', 1, 99)`)).toThrow('another run holds this already')
        expect(() => write(`${insert} ('ops_key', 'processor:build', 99)`)).toThrow('another run holds this already')
        expect(() => write(`replace into ops_open values ('builds', 1, 99)`)).toThrow('another run holds this already')
        for (const set of ['run_id = 99', `what = 'processor:build'`, `scope = 'builds', what = 1`])
          expect(() => write(`update or replace ops_open set ${set}`)).toThrow('what a run holds is not changed')
        expect(everything(rows)).toEqual(before)
      })
    })

    describe('the audit', () => {
      it('records every insert, change and deletion', async () => {
        const { write, rows } = await withBuild('failed')
        const way = ['pending', 'ongoing', 'pending', 'canceled', 'pending', 'ongoing', 'succeeded']
        for (const status of way) write(`update builds set status = '${status}', error = 'by hand' where id = 1`)
        write('delete from builds where id = 1')
        const runs = rows('select id from ops_runs order by id').map(({ id }) => id)
        const entry = (event: string, from: string | null, to: string | null, run?: number) => ({
          event,
          from_status: from,
          to_status: to,
          run_id: run === undefined ? null : runs[run],
          actor: run === undefined ? null : 'sql',
          task: 'builds 1',
        })
        const columns = `event, from_status, to_status, run_id, actor, task_table || ' ' || task_id as task`
        expect(rows(`select ${columns} from ops_audit order by id`)).toEqual([
          entry('enqueued', null, 'pending'),
          entry('started', 'pending', 'ongoing', 0),
          entry('failed', 'ongoing', 'failed', 0),
          entry('retried', 'failed', 'pending'),
          entry('started', 'pending', 'ongoing', 1),
          entry('returned', 'ongoing', 'pending', 1),
          entry('canceled', 'pending', 'canceled'),
          entry('retried', 'canceled', 'pending'),
          entry('started', 'pending', 'ongoing', 2),
          entry('succeeded', 'ongoing', 'succeeded', 2),
          entry('deleted', 'succeeded', null),
        ])
      })

      it('does not contain rolled back changes', async () => {
        const { write, rows } = await withBuild()
        const before = everything(rows)
        write(`begin; update builds set status = 'ongoing'; insert into builds (repository) values ('b'); rollback`)
        expect(everything(rows)).toEqual(before)
      })

      it('does not contain changes that keep the status', async () => {
        const { write, rows } = await withBuild()
        write(`update builds set status = 'pending', revision = 'abc' where id = 1`)
        expect(rows('select event from ops_audit')).toEqual([{ event: 'enqueued' }])
      })
    })
  })
}

describe(`the schema under ${sqliteProgram.name}`, unless(sqliteProgram.missing), () => {
  it('is readable and consistent', async () => {
    const { file, queue } = await sqliteFixture(allTables)
    await queue.enqueue(queuedBuilds.table, [{ repository: 'a' }])
    await queue.claim(allTables)
    sqliteProgram.write(file, 'pragma integrity_check; select * from ops_runs; select count(*) from sqlite_master')
    sqliteProgram.write(file, `insert into checks (url) values ('a'); vacuum`)
    expect(await queue.find(allTables[0]!.table, 1)).toMatchObject({ url: 'a' })
  })
})

function everything(rows: SqliteFixture['rows']): unknown {
  return ['builds', 'ops_runs', 'ops_audit', 'ops_ends', 'ops_open order by scope, what']
    .map((from) => `select * from ${from}`)
    .map((text) => rows(text.includes('order by') ? text : `${text} order by id`))
}
