import { describe, expect, it } from 'vitest'
import { type PostgresFixture, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, deployments, queuedDeployments } from '../tables.ts'

type State = 'pending' | 'of a worker' | 'begun in SQL' | 'failed'

/** What a statement meets, by the state of the task: the words by which it is refused, or what the task is after it. */
type Answers = Readonly<Record<State, string>>

const cannot = 'ops tasks cancel deployment 1'
const illegal = (from: string, to: string) => `deployment 1 cannot go from "${from}" to "${to}"`
const status = (to: string) => `update deployments set status = '${to}' where id = 1`

/** A save of the whole row as the application read it when the task was new. */
const staleSave = `update deployments set status = 'pending', environment = 'a', error = null, attempt = 0,
  started_at = null, finished_at = null, progress = null where id = 1`
const upsert = `insert into deployments (id, environment) overriding system value values (1, 'a')
  on conflict (id) do update set status = excluded.status, environment = excluded.environment`
const both = 'update deployments set status = status, environment = environment where id = 1'

const table: readonly [statement: string, answers: Answers][] = [
  [
    status('pending'),
    { pending: 'pending a', 'of a worker': cannot, 'begun in SQL': 'pending a', failed: 'pending a' },
  ],
  [staleSave, { pending: 'pending a', 'of a worker': cannot, 'begun in SQL': 'pending a', failed: 'pending a' }],
  [upsert, { pending: 'pending a', 'of a worker': cannot, 'begun in SQL': 'pending a', failed: 'pending a' }],
  [both, { pending: 'pending a', 'of a worker': 'ongoing a', 'begun in SQL': 'ongoing a', failed: 'failed a' }],
  [
    status('ongoing'),
    {
      pending: 'ongoing a',
      'of a worker': 'ongoing a',
      'begun in SQL': 'ongoing a',
      failed: illegal('failed', 'ongoing'),
    },
  ],
  [
    status('succeeded'),
    {
      ...{ pending: illegal('pending', 'succeeded'), 'of a worker': cannot },
      ...{ 'begun in SQL': 'succeeded a', failed: illegal('failed', 'succeeded') },
    },
  ],
  [
    status('failed'),
    { pending: illegal('pending', 'failed'), 'of a worker': cannot, 'begun in SQL': 'failed a', failed: 'failed a' },
  ],
  [
    status('canceled'),
    {
      pending: 'canceled a',
      'of a worker': cannot,
      'begun in SQL': 'canceled a',
      failed: illegal('failed', 'canceled'),
    },
  ],
  [
    `update deployments set environment = 'b' where id = 1`,
    { pending: 'pending b', 'of a worker': cannot, 'begun in SQL': cannot, failed: 'failed b' },
  ],
  [
    `update deployments set environment = 'b', status = 'failed' where id = 1`,
    { pending: illegal('pending', 'failed'), 'of a worker': cannot, 'begun in SQL': cannot, failed: 'failed b' },
  ],
  [
    'update deployments set id = default where id = 1',
    { pending: 'pending a', 'of a worker': cannot, 'begun in SQL': cannot, failed: 'failed a' },
  ],
  [
    `update deployments set error = 'by hand', build_id = null where id = 1`,
    { pending: 'pending a', 'of a worker': 'ongoing a', 'begun in SQL': 'ongoing a', failed: 'failed a' },
  ],
  ['delete from deployments', { pending: 'gone', 'of a worker': cannot, 'begun in SQL': cannot, failed: 'gone' }],
  [
    'truncate deployments cascade',
    {
      ...{ pending: 'gone', 'of a worker': 'cannot be truncated while a deployment is ongoing' },
      ...{ 'begun in SQL': 'cannot be truncated while a deployment is ongoing', failed: 'gone' },
    },
  ],
]

const states: readonly State[] = ['pending', 'of a worker', 'begun in SQL', 'failed']
const cases = table.flatMap(([statement, answers]) =>
  states.map((state) => ({ statement: statement.replaceAll(/\s+/g, ' '), state, answer: answers[state] })),
)

async function withTask(state: State): Promise<PostgresFixture> {
  const fixture = await postgresFixture(allTables)
  const { queue, raw } = fixture
  await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
  await queue.enqueue(deployments, [{ environment: 'a' }])
  if (state === 'begun in SQL') await raw.query(status('ongoing'))
  if (state === 'of a worker' || state === 'failed') {
    const { run } = (await queue.claim(allTables))!
    if (state === 'failed') await queue.settle(run, { kind: 'failed', error: 'no such host' })
  }
  return fixture
}

async function everything({ rows }: PostgresFixture): Promise<unknown> {
  const found: unknown[] = []
  for (const name of ['deployments', 'ops_runs', 'ops_audit', 'ops_open'])
    found.push(await rows(`select * from ${name} order by 1, 2`))
  return found
}

describe('a statement of any client', unless(postgresMissing), () => {
  it.each(cases)('$statement on a task $state: $answer', async ({ statement, state, answer }) => {
    const fixture = await withTask(state)
    const { raw, value } = fixture
    if (/^(gone|\w+ [ab])$/.test(answer)) {
      await raw.query(statement)
      expect((await value(`select status || ' ' || environment from deployments`)) ?? 'gone').toBe(answer)
    } else {
      const before = await everything(fixture)
      await expect(raw.query(statement)).rejects.toThrow(answer)
      // No setting of a session is stronger.
      await raw.query(`set ops.actor = 'one'`)
      await expect(raw.query(statement)).rejects.toThrow(answer)
      expect(await everything(fixture)).toEqual(before)
    }
    const open = await value(`select count(*) from ops_open where scope = 'deployments'`)
    expect(open).toBe(await value(`select count(*) from deployments where status = 'ongoing'`))
    expect(open).toBe(await value(`select count(*) from ops_open where scope = 'ops_key'`))
  })

  it.each([
    [`status = 'ongoing', id = default`, '2', 'environment:a'],
    [`status = 'ongoing', environment = 'b'`, '1', 'environment:b'],
  ])('that begins a task and changes it (%s) has a run of what it has become', async (set, id, key) => {
    const { raw, rows, queue } = await withTask('pending')
    await raw.query(`update deployments set ${set}`)
    const runs = await rows('select id, task_id::text, exclusive_key from ops_runs')
    expect(runs).toEqual([{ id: expect.any(Number), task_id: id, exclusive_key: key }])
    expect(await rows('select scope, what, run_id from ops_open order by 1')).toEqual([
      { scope: 'deployments', what: id, run_id: runs[0]!.id },
      { scope: 'ops_key', what: key, run_id: runs[0]!.id },
    ])
    await raw.query(`update deployments set status = 'succeeded'`)
    expect(await rows('select * from ops_open')).toEqual([])
    expect(await queue.claim(allTables)).toBeUndefined()
  })

  it('does not free the key of a task that it cannot change', async () => {
    const { queue, raw } = await withTask('of a worker')
    await queue.enqueue(deployments, [{ environment: 'a' }])
    await expect(raw.query(`update deployments set environment = 'b' where id = 1`)).rejects.toThrow(cannot)
    expect(await queue.claim([queuedDeployments])).toBeUndefined()
  })

  it('changes or deletes no history, under whatever setting', async () => {
    const { raw } = await withTask('failed')
    await raw.query(`set ops.actor = 'one'`)
    for (const [statement, refusal] of [
      [`update ops_runs set outcome = 'succeeded'`, 'is history'],
      [
        `insert into ops_runs select * from ops_runs on conflict (id) do update set outcome = 'succeeded'`,
        'is history',
      ],
      ['delete from ops_runs', 'a run is not deleted'],
      ['truncate ops_runs cascade', 'a run is not deleted'],
      [`update ops_events set actor = 'nobody'`, 'append-only'],
      ['delete from ops_events', 'append-only'],
    ] as const)
      await expect(raw.query(statement), statement).rejects.toThrow(refusal)
  })

  it('of 10,000 tasks takes seconds', async () => {
    const { raw, rows, queue } = await postgresFixture(allTables)
    // As vacuum leaves a table that had little in it: a plan for it must not serve for all.
    await raw.query('vacuum analyze ops_open')
    await raw.query(`insert into deployments (environment) select n::text from generate_series(1, 10000) n`)
    const started = performance.now()
    for (const to of ['ongoing', 'failed']) await raw.query(`update deployments set status = '${to}'`)
    await raw.query('delete from deployments')
    expect(performance.now() - started).toBeLessThan(90_000)
    expect(await queue.openRuns()).toEqual([])
    expect(await rows('select outcome, count(*) from ops_runs group by 1')).toEqual([
      { outcome: 'failed', count: 10_000 },
    ])
  })
})
