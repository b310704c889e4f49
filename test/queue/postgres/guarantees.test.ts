import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { againIfDropped } from '../../../src/queue/postgres/installed-guarantees.ts'
import { planMigration } from '../../../src/queue/postgres/migrate.ts'
import { openSession } from '../../../src/queue/postgres/open-session.ts'
import type { Status } from '../../../src/task/lifecycle.ts'
import { connect, type PostgresFixture, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { missingProgram, unless } from '../../support/unless.ts'
import { until } from '../../support/until.ts'
import { statuses, transitions } from '../legal-changes.ts'
import { allTables, queuedBuilds } from '../tables.ts'

/** A program that writes to the database and knows nothing of ops. */
interface ForeignWriter {
  readonly name: string
  readonly missing: string | undefined
  /** Opens it for one test. What it returns fails with the message that its user would see. */
  open(url: string): Promise<(sql: string) => Promise<unknown>>
}

const writers: ForeignWriter[] = [
  {
    name: 'a connection that sets nothing',
    missing: postgresMissing,
    async open(url) {
      const client = await connect(url)
      return (sql) => client.query(sql)
    },
  },
  {
    name: 'psql',
    missing: postgresMissing ?? missingProgram('psql'),
    async open(url) {
      const psql = spawn('psql', [url, '--no-psqlrc', '--quiet'], { stdio: ['pipe', 'ignore', 'pipe'] })
      psql.stdin.on('error', () => {})
      let complaints = ''
      psql.stderr.setEncoding('utf8').on('data', (text) => {
        complaints += text
      })
      const isClosed = once(psql, 'close')
      onTestFinished(async () => {
        psql.stdin.end()
        await isClosed
      })
      return async (sql) => {
        complaints = ''
        psql.stdin.write(`${sql};\n\\warn that was it\n`)
        await until(() => complaints.endsWith('that was it\n'), 'psql has done what it was told')
        if (complaints.includes('ERROR:')) throw new Error(complaints)
      }
    },
  },
]

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

async function everything({ rows }: PostgresFixture): Promise<unknown> {
  const found: unknown[] = []
  for (const table of ['builds', 'ops_runs', 'ops_audit', 'ops_open'])
    found.push(await rows(`select * from ${table} order by 1, 2`))
  return found
}

for (const { name, missing, open } of writers) {
  describe(`${name} as the writer`, unless(missing), () => {
    /** A database with one build, brought to a state by this writer. */
    async function withBuild(state: Status = 'pending') {
      const fixture = await postgresFixture(allTables)
      const write = await open(fixture.url)
      const way = wayTo[state].map((status) => `update builds set status = '${status}' where id = 1`)
      for (const sql of [`insert into builds (repository) values ('a')`, ...way]) await write(sql)
      return { ...fixture, write }
    }

    /** Expects that a statement is refused and that nothing has changed. */
    async function refuses(fixture: Awaited<ReturnType<typeof withBuild>>, sql: string, message: string) {
      const before = await everything(fixture)
      await expect(fixture.write(sql), sql).rejects.toThrow(message)
      expect(await everything(fixture)).toEqual(before)
    }

    describe('a change of status', () => {
      it('is accepted if it is legal', async () => {
        const { write, value, raw } = await withBuild()
        for (const { from, to } of changes.filter(isLegal)) {
          const inserted = await raw.query(`insert into builds (repository) values ('a') returning id`)
          const { id } = inserted.rows[0]
          for (const status of wayTo[from]) await write(`update builds set status = '${status}' where id = ${id}`)
          await write(`update builds set status = '${to}' where id = ${id}`)
          expect(await value(`select status from builds where id = ${id}`)).toBe(to)
          if (to === 'ongoing') await write(`update builds set status = 'failed' where id = ${id}`)
        }
      })

      it.each(changes.filter((change) => !isLegal(change)))('from $from to $to is refused', async ({ from, to }) => {
        const sql = `update builds set status = '${to}' where id = 1`
        await refuses(await withBuild(from), sql, `build 1 cannot go from "${from}" to "${to}"`)
      })

      it.each(['done', 'Pending', ''])('to the unknown status %j is refused', async (status) => {
        const sql = `update builds set status = '${status}'`
        await refuses(await withBuild(), sql, `build 1 cannot go from "pending" to "${status}"`)
      })

      it('of many tasks is refused if one of them is illegal', async () => {
        const fixture = await withBuild('failed')
        await fixture.write(`insert into builds (repository) values ('b')`)
        await refuses(fixture, `update builds set status = 'canceled'`, 'build 1 cannot go from "failed" to "canceled"')
      })

      it('is checked after the application’s triggers', async () => {
        const fixture = await withBuild()
        await fixture.write(`create function skip() returns trigger language plpgsql as
          $$ begin new.status := 'succeeded'; return new; end $$;
          create trigger zz_skip before update on builds for each row execute function skip()`)
        await refuses(fixture, `update builds set revision = 'abc'`, 'build 1 cannot go from "pending" to "succeeded"')
      })
    })

    describe('a new task', () => {
      it.each(['ongoing', 'succeeded', 'failed', 'canceled', 'done', null])(
        'that is inserted as %j is refused',
        async (status) => {
          const values = `('b', ${status === null ? 'null' : `'${status}'`})`
          const sql = `insert into builds (repository, status) values ${values}`
          await refuses(await withBuild(), sql, `a new build must be "pending", not "${status}"`)
        },
      )

      it('needs only its own columns', async () => {
        const { rows } = await withBuild()
        const near = `between now() - interval '1 minute' and now()`
        expect(
          await rows(`select id, status, attempt, created_at ${near} as at, run_at ${near} as due from builds`),
        ).toEqual([{ id: 1, status: 'pending', attempt: 0, at: true, due: true }])
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
        expect(await rows(runs)).toEqual([{ ...run, exclusive_key: 'processor:build', ended_at: null }])
        expect(await queue.openRuns()).toHaveLength(1)
      })

      it('must wait for its exclusivity key', async () => {
        const fixture = await withBuild('ongoing')
        await fixture.write(`insert into builds (repository) values ('b')`)
        const message = 'build 2 must wait: "processor:build" is held by run 2 of builds 1'
        await refuses(fixture, `update builds set status = 'ongoing' where id = 2`, message)
      })

      it('must wait for a key that a task of another table has', async () => {
        const { write, queue } = await withBuild()
        await write(`insert into deployments (environment) values ('a'), ('b')`)
        await write(`insert into rollbacks (environment) values ('a'), ('b'), (null), (null)`)
        const { run } = (await queue.claim(allTables.slice(2)))!
        await expect(write(`update rollbacks set status = 'ongoing' where id = 1`)).rejects.toThrow(
          `rollback 1 must wait: "environment:a" is held by run ${run.id} of deployments 1`,
        )
        await write(`update rollbacks set status = 'ongoing' where id = 2`)
        await write(`update rollbacks set status = 'ongoing' where environment is null`)
      })

      it('blocks claims of ops', async () => {
        const { write, queue } = await withBuild('ongoing')
        await write(`insert into builds (repository) values ('b')`)
        expect(await queue.claim(allTables)).toBeUndefined()
        await write(`update builds set status = 'failed' where id = 1`)
        expect((await queue.claim(allTables))!.run.taskId).toBe(2)
      })

      it('cannot take a key twice in one statement', async () => {
        const fixture = await withBuild()
        await fixture.write(`insert into builds (repository) values ('b')`)
        await refuses(fixture, `update builds set status = 'ongoing'`, 'must wait')
      })

      it.each([
        ['succeeded', 'succeeded'],
        ['failed', 'failed'],
        ['canceled', 'canceled'],
        ['pending', 'returned'],
      ])('ends its run when it is set to %s', async (status, outcome) => {
        const { write, rows, queue } = await withBuild('ongoing')
        await write(`update builds set status = '${status}', error = 'by hand' where id = 1`)
        expect(await rows('select outcome, error, ended_at is not null as ended from ops_runs')).toEqual([
          { outcome, error: 'by hand', ended: true },
        ])
        expect(await queue.openRuns()).toEqual([])
      })

      it('does not end a run of ops', async () => {
        const fixture = await withBuild()
        const { run } = (await fixture.queue.claim(allTables))!
        const sql = `update builds set status = 'canceled' where id = 1`
        await refuses(fixture, sql, 'ops tasks cancel build 1')
        expect((await fixture.queue.stateOf(run)).isHeld).toBe(true)
      })
    })

    describe('an ongoing task', () => {
      it.each([
        [
          'be deleted',
          'delete from builds',
          'build 1 is ongoing and cannot be deleted; cancel it first: ops tasks cancel build 1',
        ],
        ['be truncated', 'truncate builds cascade', 'builds cannot be truncated while a build is ongoing'],
        ['take another id', 'update builds set id = default', 'build 1 is ongoing and its id cannot change'],
      ])('cannot %s', async (_, sql, message) => {
        await refuses(await withBuild('ongoing'), sql, message)
      })

      it.each([
        ['update ops_runs set ended_at = now()', 'ops_runs_ended_at_once'],
        [`delete from ops_open where scope = 'builds'`, 'of builds 1 is open and holds what it needs'],
        [`delete from ops_open where scope = 'ops_key'`, 'of builds 1 is open and holds what it needs'],
        ['truncate ops_open', 'ops_open has what is taken'],
      ])('keeps its run and what it holds: %s', async (sql, message) => {
        await refuses(await withBuild('ongoing'), sql, message)
      })

      it('keeps the row of its worker', async () => {
        const fixture = await withBuild()
        await fixture.queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
        const { run } = (await fixture.queue.claim(allTables))!
        await refuses(fixture, 'delete from ops_workers', 'worker one has an open run and is not deleted')
        for (const change of [`id = 'other'`, 'lock_id = default'])
          await refuses(fixture, `update ops_workers set ${change}`, 'the id of a worker is not changed')
        await refuses(fixture, 'truncate ops_workers', 'ops_workers has who is alive')
        await fixture.queue.settle(run, { kind: 'succeeded', columns: {} })
        await fixture.write('delete from ops_workers')
      })

      it('is in the audit when it ends, even if its run was ended in SQL', async () => {
        const { write, rows } = await withBuild('ongoing')
        await write(
          `update ops_runs set end_id = nextval('ops_sequence'), ended_at = now(), outcome = 'by hand' where ended_at is null`,
        )
        await write(`update builds set status = 'failed' where id = 1`)
        expect(await rows('select event, run_id from ops_audit order by id desc limit 1')).toEqual([
          { event: 'failed', run_id: null },
        ])
      })

      it('accepts changes of its other columns', async () => {
        const { write, value } = await withBuild('ongoing')
        await write(`update builds set revision = 'abc' where id = 1`)
        await write(`insert into builds (id, repository) overriding system value values (1, 'b')
          on conflict (id) do update set repository = excluded.repository`)
        expect(await value(`select repository || ' ' || revision from builds`)).toBe('b abc')
      })
    })

    describe('the history', () => {
      it.each([
        [`insert into ops_audit (event) values ('forged')`, 'cannot insert into view "ops_audit"'],
        [`update ops_audit set actor = 'nobody'`, 'cannot update view "ops_audit"'],
        ['delete from ops_audit', 'cannot delete from view "ops_audit"'],
        [`update ops_events set actor = 'nobody'`, 'ops_events is append-only'],
        ['delete from ops_events', 'ops_events is append-only'],
        ['truncate ops_events', 'ops_events is append-only'],
        [`update ops_runs set outcome = 'failed'`, 'is history'],
        ['update ops_runs set end_id = 7', 'is history'],
        ['update ops_runs set end_id = null, ended_at = null, outcome = null', 'is history'],
        ['delete from ops_runs', 'a run is not deleted'],
        ['truncate ops_runs', 'a run is not deleted'],
        [
          // It comes before that of the schema in every search path.
          `create temporary table ops_pruning as select 'builds' as task_table, '1' as task_key; delete from ops_runs`,
          'a run is not deleted',
        ],
      ])('cannot be changed by: %s', async (sql, message) => {
        await refuses(await withBuild('succeeded'), sql, message)
      })

      it.each([`'builds', '1'`, `'ops_key', 'processor:build'`])('has one open run of %s', async (taken) => {
        await refuses(await withBuild('ongoing'), `insert into ops_open values (${taken}, 7)`, 'ops_open_pkey')
      })

      it('has rows of open runs that stay as they are', async () => {
        await refuses(await withBuild('ongoing'), 'update ops_open set run_id = 7', 'a row is not changed')
      })

      it.each([`exclusive_key = 'x'`, `task_table = 'checks'`, `task_key = '7'`, `worker_id = 'two'`])(
        'has runs that stay about what they are: %s',
        async (set) => {
          await refuses(await withBuild('ongoing'), `update ops_runs set ${set}`, 'what a run is about')
        },
      )
    })

    describe('the audit', () => {
      it('records every insert, change and deletion', async () => {
        const { write, rows } = await withBuild('failed')
        const way = ['pending', 'ongoing', 'pending', 'canceled', 'pending', 'ongoing', 'succeeded']
        for (const status of way) await write(`update builds set status = '${status}', error = 'by hand' where id = 1`)
        await write('delete from builds where id = 1')
        const entry = (event: string, from: string | null, to: string | null, run: number | null) => ({
          ...{ event, from_status: from, to_status: to, run_id: run, task: 'builds 1' },
          actor: event === 'started' ? 'sql' : 'postgres',
        })
        const columns = `event, from_status, to_status, run_id, actor, task_table || ' ' || task_id as task`
        expect(await rows(`select ${columns} from ops_audit order by id`)).toEqual([
          entry('enqueued', null, 'pending', null),
          entry('started', 'pending', 'ongoing', 2),
          entry('failed', 'ongoing', 'failed', 2),
          entry('retried', 'failed', 'pending', null),
          entry('started', 'pending', 'ongoing', 5),
          entry('returned', 'ongoing', 'pending', 5),
          entry('canceled', 'pending', 'canceled', null),
          entry('retried', 'canceled', 'pending', null),
          entry('started', 'pending', 'ongoing', 9),
          entry('succeeded', 'ongoing', 'succeeded', 9),
          entry('deleted', 'succeeded', null, null),
        ])
      })

      it('does not contain rolled back changes', async () => {
        const fixture = await withBuild()
        const before = await everything(fixture)
        const changes = `update builds set status = 'ongoing'; insert into builds (repository) values ('b')`
        await fixture.write(`begin; ${changes}; rollback`)
        expect(await everything(fixture)).toEqual(before)
      })

      it('does not contain changes that keep the status', async () => {
        const { write, rows } = await withBuild()
        await write(`update builds set status = 'pending', revision = 'abc' where id = 1`)
        expect(await rows('select event from ops_audit')).toEqual([{ event: 'enqueued' }])
      })
    })
  })
}

describe('an index that another transaction drops', unless(postgresMissing), () => {
  it('is missing to a plan that still sees it in the catalog', async () => {
    const { raw, url } = await postgresFixture([queuedBuilds])
    const session = await openSession(url)
    onTestFinished(() => session.destroy())
    await session.query('begin isolation level repeatable read')
    expect(await planMigration(session, [], [queuedBuilds])).toEqual([])
    await raw.query('drop index ops_builds_due')
    expect(await planMigration(session, [], [queuedBuilds])).toMatchObject([
      { name: 'ops_builds_due', change: 'create' },
    ])
  })
})

describe('a definition that the server cannot read', unless(postgresMissing), () => {
  it('is read again, but not for ever, since what it is about may just have been dropped', async () => {
    const { raw } = await postgresFixture([queuedBuilds])
    let reads = 0
    // As pg_get_indexdef() and pg_get_triggerdef() fail meanwhile.
    const fails = `do $$ begin raise 'could not open relation with OID 17082' using errcode = 'XX000'; end $$`
    const read = async (times: number) => {
      reads += 1
      if (reads <= times) await raw.query(fails)
      return reads
    }
    expect(await againIfDropped(() => read(2))).toBe(3)
    await expect(againIfDropped(() => read(Number.POSITIVE_INFINITY))).rejects.toThrow('could not open relation')
    await expect(againIfDropped(() => raw.query('select 1 / 0'))).rejects.toThrow('division by zero')
  })
})

describe('a user with access to the task table only', unless(postgresMissing), () => {
  it('is bound by all guarantees and is the actor', async () => {
    const { raw, rows, queue } = await postgresFixture([queuedBuilds])
    // Roles are the server's, not the database's.
    const role = `writer_${process.pid}_${Date.now()}`
    await raw.query(`create role ${role}; grant select, insert, update on builds to ${role}`)
    try {
      await raw.query(`set session authorization ${role}`)
      await raw.query(`insert into builds (repository) values ('a'); update builds set status = 'ongoing'`)
      await expect(raw.query(`update builds set status = 'pending', id = default`)).rejects.toThrow(
        'its id cannot change',
      )
      await expect(raw.query('select * from ops_runs')).rejects.toThrow('permission denied')
      await raw.query('reset session authorization')
      expect(await rows('select event, actor from ops_audit order by id')).toEqual([
        { event: 'enqueued', actor: role },
        { event: 'started', actor: 'sql' },
      ])
      expect(await queue.openRuns()).toMatchObject([{ workerId: 'sql' }])
    } finally {
      await raw.query(`reset session authorization; drop owned by ${role}; drop role ${role}`)
    }
  })
})
