import { describe, expect, it } from 'vitest'
import type { Claim } from '../../../src/queue/queue.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { type SqliteFixture, sqliteFixture } from '../../support/sqlite-fixture.ts'
import { allTables, builds, checks, queuedBuilds } from '../tables.ts'
import { inconsistencies } from './inconsistencies.ts'

const succeeded = { kind: 'succeeded', columns: {} } as const

/** What the ordinary migration of an application does: create a new table, copy the rows, drop the old one, rename. */
const rebuild = `
  ${createTaskTable(builds).replace('create table builds', 'create table new_builds')};
  insert into new_builds select * from builds;
  drop table builds;
  alter table new_builds rename to builds`

function dropTriggers({ raw, rows }: SqliteFixture): void {
  const names = rows(`select name from sqlite_master where type = 'trigger' and tbl_name not glob 'ops_*'`)
  for (const { name } of names) raw.exec(`drop trigger "${name}"`)
}

describe.each([
  ['whose triggers are dropped', dropTriggers],
  ['that is rebuilt', ({ raw }: SqliteFixture) => raw.exec(rebuild)],
] as const)('a table %s under a claimed run', (_, change) => {
  const claimed = async () => {
    const fixture = await sqliteFixture(allTables)
    await fixture.queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
    await fixture.queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    const { run } = (await fixture.queue.claim(allTables))!
    change(fixture)
    return { ...fixture, run }
  }

  it('leaves nothing open, and the next task of the key runs', async () => {
    const { queue, run, rows } = await claimed()
    expect(await queue.claim(allTables)).toBeUndefined()
    const { held, next } = await queue.settle(run, succeeded, allTables)
    expect(held).toBe(true)
    expect(next!.run.taskId).toBe(2)
    await queue.settle(next!.run, succeeded)
    expect(await queue.openRuns()).toEqual([])
    expect(rows('select status from builds')).toEqual([{ status: 'succeeded' }, { status: 'succeeded' }])
    expect(rows('select event, run_id from ops_audit where task_id = 1 order by id')).toEqual([
      { event: 'enqueued', run_id: null },
      { event: 'started', run_id: run.id },
      { event: 'succeeded', run_id: run.id },
    ])
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it('is recovered by another worker', async () => {
    const { queue, run, rows } = await claimed()
    const [open] = await queue.openRuns()
    expect(await queue.settleDead(open!, queuedBuilds, { kind: 'crashed', error: 'worker one died' })).toBe(true)
    expect(await queue.settle(run, succeeded)).toEqual({ held: false, next: undefined })
    expect((await queue.claim(allTables))!.run.taskId).toBe(2)
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it('can be canceled', async () => {
    const { queue, run, rows } = await claimed()
    expect(await queue.cancel(builds, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    await queue.settle(run, { kind: 'canceled', error: 'canceled by ada' })
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it.each(['succeeded', 'failed', 'pending'] as const)('does not run again if it was made pending: %s', async (end) => {
    const { queue, raw, run, rows } = await claimed()
    raw.exec(`update builds set status = 'pending' where id = 1`)
    // The worker may have installed the triggers again by now.
    await queue.migrate([], allTables)
    const failed = { kind: 'failed', error: 'no such host' } as const
    const outcome = { succeeded, failed, pending: { ...failed, return: { delay: 60_000 } } }[end]
    const { held, divergence, next } = await queue.settle(run, outcome, allTables)
    expect([held, divergence, next?.run.taskId]).toEqual([true, { found: 'pending', status: end }, 2])
    expect(rows('select status from builds where id = 1')).toEqual([{ status: end }])
    expect(rows(`select from_status, to_status, detail from ops_audit where event = 'diverged'`)).toEqual([
      {
        ...{ from_status: null, to_status: null },
        detail: JSON.stringify(end === 'pending' ? { status: end } : { status: 'pending', set: end }),
      },
    ])
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it.each(['failed', 'succeeded'])('ends its run if the task was set to %s', async (status) => {
    const { queue, raw, run, rows } = await claimed()
    raw.exec(`update builds set status = '${status}' where id = 1`)
    // The task is not performed by two at once.
    expect(await queue.claim([{ ...queuedBuilds, exclusivity: { kind: 'none' } }])).toMatchObject({
      run: { taskId: 2 },
    })
    const { held, divergence } = await queue.settle(run, { ...succeeded, columns: { revision: 'abc' } })
    expect([held, divergence]).toEqual([true, { found: status, status }])
    expect(await queue.find(builds, 1)).toMatchObject({ status, revision: null })
    expect(inconsistencies(rows, [queuedBuilds])).toEqual([])
    expect(rows('select outcome from ops_runs where task_id = 1')).toEqual([{ outcome: 'succeeded' }])
    const [event] = rows(`select task_id, run_id, actor, detail from ops_audit where event = 'diverged'`)
    expect(event).toEqual({ task_id: 1, run_id: run.id, actor: 'one', detail: JSON.stringify({ status }) })
    expect((await queue.openRuns()).map(({ taskId }) => taskId)).toEqual([2])
  })

  it('ends its run if the task was deleted, and can be canceled', async () => {
    const { queue, raw, run, rows } = await claimed()
    raw.exec('delete from builds where id = 1')
    expect(await queue.cancel(builds, 1, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    const { held, next } = await queue.settle(run, { ...succeeded, columns: { revision: 'abc' } }, allTables)
    expect({ held, next: next?.run.taskId }).toEqual({ held: true, next: 2 })
    expect(rows(`select detail from ops_audit where event = 'diverged'`)).toEqual([{ detail: '{"status":null}' }])
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it('has its guarantees again after a migration', async () => {
    const { queue, raw, run, rows } = await claimed()
    await queue.migrate([], allTables)
    expect(() => raw.exec(`update builds set status = 'pending' where id = 1`)).toThrow('only its worker changes')
    expect(await queue.settle(run, succeeded)).toMatchObject({ held: true })
    expect(inconsistencies(rows, allTables)).toEqual([])
  })
})

describe('a table without triggers', () => {
  it('is drained, its keys too', async () => {
    const fixture = await sqliteFixture(allTables)
    const { queue, raw, rows } = fixture
    dropTriggers(fixture)
    raw.exec(`insert into builds (repository) values ('a'), ('b'), ('c')`)
    let claim: Claim | undefined = await queue.claim(allTables)
    const done: unknown[] = []
    while (claim) {
      expect(await queue.claim(allTables)).toBeUndefined()
      done.push(claim.run.taskId)
      claim = (await queue.settle(claim.run, succeeded, allTables)).next
    }
    expect(done).toEqual([1, 2, 3])
    expect(inconsistencies(rows, allTables)).toEqual([])
  })

  it('has tasks without a run, which can be canceled', async () => {
    const fixture = await sqliteFixture(allTables)
    dropTriggers(fixture)
    const { queue, raw, rows } = fixture
    raw.exec(`insert into checks default values; update checks set status = 'ongoing'`)
    expect(await queue.cancel(checks, 1, 'ada')).toEqual({ change: 'canceled', status: 'canceled' })
    expect(rows('select event, from_status, to_status, actor from ops_audit')).toEqual([
      { event: 'canceled', from_status: 'ongoing', to_status: 'canceled', actor: 'ada' },
    ])
  })
})

describe("the application's own unique index", () => {
  it.each([
    ['of columns', 'create unique index own on builds (repository)'],
    ['of an expression', 'create unique index own on builds (lower(repository))'],
    ['with a condition', `create unique index own on builds (repository) where status <> 'failed'`],
  ])('%s does not let a replacement delete an ongoing task', async (_, index) => {
    const { queue, raw, rows } = await sqliteFixture(allTables)
    raw.exec(index)
    await queue.migrate([], allTables)
    await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
    await queue.claim(allTables)
    for (const sql of [
      `replace into builds (repository) values ('a')`,
      `update or replace builds set repository = 'a' where id = 2`,
    ])
      expect(() => raw.exec(sql), sql).toThrow('build 1 is ongoing and cannot be replaced')
    raw.exec(`replace into builds (repository) values ('b'), ('c')`)
    raw.exec(`update builds set repository = 'd' where repository = 'c'`)
    expect(rows('select id, repository from builds')).toEqual([
      { id: 1, repository: 'a' },
      { id: 3, repository: 'b' },
      { id: 4, repository: 'd' },
    ])
    expect(rows(`select task_id, from_status from ops_audit where event = 'deleted'`)).toEqual([
      { task_id: 2, from_status: 'pending' },
    ])
  })

  it.each([
    'create unique index own on builds (repository collate nocase desc)',
    "create unique index own on builds (lower(repository), ifnull(revision, ')(\"'))",
    `create unique index own /* of ( */ on builds (repository collate nocase) where status <> 'failed'`,
  ])('has what it replaces at rest in the audit, whoever records it: %s', async (index) => {
    for (const recursive of ['off', 'on']) {
      const { queue, raw, rows } = await sqliteFixture(allTables)
      raw.pragma(`recursive_triggers = ${recursive}`)
      raw.exec(index)
      await queue.migrate([], allTables)
      raw.exec(
        `insert into builds (repository) values ('a'), ('b'), ('c'); update builds set status = 'canceled' where id = 2`,
      )
      raw.exec(`insert or ignore into builds (repository) values ('A'), ('B')`)
      raw.exec(`insert or replace into builds (repository) values ('B')`)
      raw.exec(`update or replace builds set repository = 'A' where id = 3`)
      raw.exec(`replace into builds (id, repository) values (3, 'c')`)
      expect(rows('select repository from builds order by id')).toEqual([{ repository: 'c' }, { repository: 'B' }])
      expect(rows(`select task_id, from_status from ops_audit where event = 'deleted' order by id`)).toEqual([
        { task_id: 2, from_status: 'canceled' },
        { task_id: 1, from_status: 'pending' },
        { task_id: 3, from_status: 'pending' },
      ])
      expect(inconsistencies(rows, allTables)).toEqual([])
    }
  })
})

describe('10,000 rows in one statement', () => {
  const size = 10_000
  const filled = async () => {
    const fixture = await sqliteFixture(allTables)
    const numbers = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${size})`
    for (const table of ['deployments', 'syncs'])
      fixture.raw.exec(`insert into ${table} (environment) ${numbers} select 'e' || i from n`)
    return fixture
  }
  const milliseconds = (write: () => void) => {
    const startedAt = performance.now()
    write()
    return performance.now() - startedAt
  }

  it.each(['deployments', 'syncs'])('start and end their runs of %s in seconds', async (table) => {
    const { raw, rows, value } = await filled()
    const took = ['ongoing', 'failed', 'pending', 'ongoing', 'pending', 'canceled'].map((status) =>
      milliseconds(() => raw.exec(`update ${table} set status = '${status}'`)),
    )
    expect(Math.max(...took)).toBeLessThan(30_000)
    expect(value('select count(*) from ops_runs where ended_at is not null')).toBe(2 * size)
    expect(value('select count(*) from ops_open')).toBe(0)
    expect(rows(`select distinct to_status from ops_audit where event = 'returned'`)).toEqual([
      { to_status: 'pending' },
    ])
    expect(milliseconds(() => raw.exec(`delete from ${table}`))).toBeLessThan(30_000)
  })
})
