import { describe, expect, it } from 'vitest'
import { createTaskTable } from '../../support/create-task-table.ts'
import { openQueue, type PostgresFixture, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, builds, queuedBuilds } from '../tables.ts'

const succeeded = { kind: 'succeeded', columns: { revision: 'abc' } } as const
const tables = [queuedBuilds]

const dropAll = `do $$ declare name text; begin
  for name in select tgname from pg_trigger where tgrelid = 'builds'::regclass and not tgisinternal loop
    execute format('drop trigger %I on builds', name);
  end loop; end $$`

/** As an ORM changes a table that it cannot alter: another is made and filled, and takes the name. */
const rebuild = `begin;
  ${createTaskTable({ ...builds, name: 'builds_new' }, 'postgres')};
  insert into builds_new overriding system value select * from builds;
  drop table builds cascade;
  alter table builds_new rename to builds;
  select setval(pg_get_serial_sequence('builds', 'id'), (select max(id) from builds));
  commit`

/** As pg_restore does with `--data-only --disable-triggers`. */
const restore = `begin;
  create temp table saved on commit drop as select * from builds;
  alter table builds disable trigger all;
  delete from builds;
  insert into builds overriding system value select * from saved;
  alter table builds enable trigger all;
  commit`

const losses = [
  ['dropped', dropAll],
  ['disabled', 'alter table builds disable trigger user'],
  ['lost with a table that was made anew', rebuild],
  ['off while the rows are restored', restore],
] as const

/** A worker with a build, and another that waits for its key. */
async function underWay(): Promise<PostgresFixture & { run: NonNullable<Awaited<ReturnType<typeof claim>>>['run'] }> {
  const fixture = await postgresFixture(allTables)
  await fixture.queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
  await fixture.queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
  return { ...fixture, run: (await claim(fixture))!.run }
}

const claim = ({ queue }: PostgresFixture) => queue.claim(tables)

describe.each(losses)('triggers that are %s under a run', unless(postgresMissing), (_, loss) => {
  it('leave nothing open, and the next task of the key runs', async () => {
    const { queue, raw, rows, run } = await underWay()
    await raw.query(loss)
    const { held, next } = await queue.settle(run, succeeded, tables)
    expect([held, next?.run.taskId]).toEqual([true, 2])
    expect(await queue.settle(next!.run, { kind: 'failed', error: 'no such host' }, tables)).toEqual({
      held: true,
      next: undefined,
    })
    expect(await rows('select status, revision, error from builds order by id')).toEqual([
      { status: 'succeeded', revision: 'abc', error: null },
      { status: 'failed', revision: null, error: 'no such host' },
    ])
    expect(await rows('select * from ops_open')).toEqual([])
    expect(await rows('select task_id, event, actor from ops_audit where run_id is not null order by id')).toEqual([
      { task_id: 1, event: 'started', actor: 'one' },
      { task_id: 1, event: 'succeeded', actor: 'one' },
      { task_id: 2, event: 'started', actor: 'one' },
      { task_id: 2, event: 'failed', actor: 'one' },
    ])
  })

  it('let the run be recovered, tried again and performed', async () => {
    const { queue, url, raw } = await underWay()
    await raw.query(loss)
    const other = openQueue(url)
    const [dead] = await other.openRuns()
    const outcome = { kind: 'crashed', error: 'worker one died', return: {} } as const
    expect(await other.settleDead(dead!, queuedBuilds, outcome)).toBe(true)
    const again = (await queue.claim(tables))!.run
    expect([again.taskId, again.attempt]).toEqual([1, 2])
    expect(await queue.settle(again, succeeded)).toMatchObject({ held: true })
  })

  it('are there again after a migration', async () => {
    const { queue, raw, run } = await underWay()
    await raw.query(loss)
    await queue.migrate([], allTables)
    await expect(raw.query(`update builds set status = 'pending' where id = 1`)).rejects.toThrow('ops tasks cancel')
    expect(await queue.settle(run, succeeded)).toMatchObject({ held: true })
    await raw.query(`update builds set status = 'ongoing' where id = 2`)
    expect(await queue.openRuns()).toMatchObject([{ workerId: 'sql', taskId: 2 }])
  })
})

describe('a task that is changed without triggers under a run', unless(postgresMissing), () => {
  it.each(['succeeded', 'failed', 'pending'] as const)('does not run again if it was made pending: %s', async (end) => {
    const { queue, raw, rows, run } = await underWay()
    await raw.query(`${dropAll}; update builds set status = 'pending' where id = 1`)
    // The worker may have installed them again by now.
    await queue.migrate([], allTables)
    const back = { kind: 'failed', error: 'no such host', return: { delay: 60_000 } } as const
    const outcome = { succeeded, failed: { kind: 'failed', error: 'no such host' } as const, pending: back }[end]
    const settled = await queue.settle(run, outcome, tables)
    expect([settled.held, settled.divergence, settled.next?.run.taskId]).toEqual([
      true,
      { found: 'pending', status: end },
      2,
    ])
    const revision = end === 'succeeded' ? 'abc' : null
    expect(await rows('select status, revision from builds where id = 1')).toEqual([{ status: end, revision }])
    expect(await rows(`select from_status, to_status, detail from ops_audit where event = 'diverged'`)).toEqual([
      {
        from_status: null,
        to_status: null,
        detail: end === 'pending' ? { status: end } : { status: 'pending', set: end },
      },
    ])
    expect(await queue.invariants.find(['builds'], { history: true })).toEqual([])
  })

  it.each([
    [`update builds set status = 'failed' where id = 1`, 'failed'],
    [`update builds set status = 'canceled', id = default where id = 1`, null],
    [`update builds set status = null where id = 1`, null],
    ['delete from builds where id = 1', null],
  ])('is left as it is, the run ends, and the audit says so: %s', async (change, status) => {
    const { queue, raw, rows, value, run } = await underWay()
    await raw.query(`alter table builds alter status drop not null; ${dropAll}; ${change}`)
    const before = await rows('select * from builds where id <> 2 order by id')
    const { held, next } = await queue.settle(run, succeeded, [{ ...queuedBuilds, table: builds }])
    expect(held).toBe(true)
    expect(next?.run.taskId).toBe(2)
    expect(await rows('select * from builds where id <> 2 order by id')).toEqual(before)
    expect(await rows(`select outcome, ended_at is not null as ended from ops_runs where id = ${run.id}`)).toEqual([
      { outcome: 'succeeded', ended: true },
    ])
    expect(await rows(`select run_id, actor, to_status, detail from ops_audit where event = 'diverged'`)).toEqual([
      { run_id: run.id, actor: 'one', to_status: status, detail: { status } },
    ])
    expect(await value(`select count(*) from ops_open where run_id = ${run.id}`)).toBe(0)
  })

  it('is performed by nobody else while its run is open', async () => {
    const { raw, url, queue, run } = await underWay()
    await raw.query(`${dropAll}; update builds set status = 'pending' where id = 1`)
    const other = openQueue(url)
    expect(await other.claim(tables)).toBeUndefined()
    await queue.enqueue(builds, [{ repository: 'c' }])
    expect(await other.claim(tables)).toBeUndefined()
    expect(await queue.report(run, { fraction: 0.5, note: undefined })).toBe(true)
    expect((await queue.settle(run, succeeded, tables)).held).toBe(true)
  })
})

describe('a task table without triggers', unless(postgresMissing), () => {
  it('is claimed from, with its keys, settled, canceled and recovered', async () => {
    const { queue, url, raw, rows } = await postgresFixture(allTables)
    await raw.query(dropAll)
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }, { repository: 'c' }])
    const first = (await queue.claim(tables))!.run
    const other = openQueue(url)
    expect(await other.claim(tables)).toBeUndefined()
    expect(await other.cancel(builds, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    const again = { kind: 'failed', error: 'no such host', return: {} } as const
    expect((await queue.settle(first, again, tables)).next?.run.taskId).toBe(2)
    expect(await rows('select status, error from builds where id = 1')).toEqual([
      { status: 'canceled', error: 'canceled by ada; before, it had failed: no such host' },
    ])
    const [dead] = await other.openRuns()
    expect(await other.settleDead(dead!, queuedBuilds, { kind: 'crashed', error: 'worker ops died' })).toBe(true)
    expect((await queue.claim(tables))!.run.taskId).toBe(3)
    // As a client that begins a run where no trigger sees it: ops makes nothing of it, and settles it when it is told to.
    await raw.query(`update builds set status = 'ongoing' where id = 1`)
    expect(await queue.cancel(builds, 1, 'ada')).toEqual({ change: 'canceled', status: 'canceled' })
    expect(await rows('select task_table, what from ops_open, ops_runs r where r.id = run_id order by 2')).toEqual([
      { task_table: 'builds', what: '3' },
      { task_table: 'builds', what: 'processor:build' },
    ])
  })
})
