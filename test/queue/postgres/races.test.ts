import { describe, expect, it } from 'vitest'
import { postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { until } from '../../support/until.ts'
import { builds, checks, deployments, queuedBuilds, queuedChecks, queuedDeployments } from '../tables.ts'

const tables = [queuedBuilds, queuedDeployments]
const environments = (...names: string[]) => names.map((environment) => ({ environment }))

/** A database in which another client has a transaction open. */
async function withOther() {
  const fixture = await postgresFixture(tables)
  const { queue, raw, value } = fixture
  /** What ops comes to when the other commits only after ops waits for it. */
  const afterCommit = async <T>(transaction: string, act: () => Promise<T>): Promise<T> => {
    await raw.query(`begin; ${transaction}`)
    const acting = act()
    const waiting = `select count(*) from pg_stat_activity where application_name = 'ops'
      and datname = current_database() and wait_event_type = 'Lock'`
    await until(async () => (await value(waiting)) === 1, 'ops waits')
    await raw.query('commit')
    return acting
  }
  const everything = () =>
    fixture.rows('select * from deployments, ops_runs, ops_audit order by 1, ops_runs.id, ops_audit.id')
  return { ...fixture, queue, afterCommit, everything }
}

describe('a claim', unless(postgresMissing), () => {
  it('skips a task that another worker has locked, without waiting', async () => {
    const { queue, raw } = await withOther()
    await queue.enqueue(deployments, environments('a', 'b'))
    await raw.query('begin; select * from deployments where id = 1 for update')
    expect((await queue.claim(tables))!.run.taskId).toBe(2)
    expect(await queue.claim(tables)).toBeUndefined()
    await raw.query('rollback')
    expect((await queue.claim(tables))!.run.taskId).toBe(1)
  })

  it('skips a task of a table without keys that another worker has locked', async () => {
    const { queue, raw } = await postgresFixture([queuedChecks])
    await queue.enqueue(checks, [{}, {}])
    await raw.query('begin; select * from checks where id = 1 for update')
    expect((await queue.claim([queuedChecks]))!.run.taskId).toBe(2)
    expect(await queue.claim([queuedChecks])).toBeUndefined()
    await raw.query('rollback')
    expect((await queue.claim([queuedChecks]))!.run.taskId).toBe(1)
  })

  it('that loses the race for a key takes the next task', async () => {
    const { queue, afterCommit } = await withOther()
    await queue.enqueue(deployments, environments('a', 'a', 'b'))
    const claim = await afterCommit(`insert into ops_open values ('ops_key', 'environment:a', 7)`, () =>
      queue.claim(tables),
    )
    expect(claim!.run.taskId).toBe(3)
  })

  it('that loses the race for the only task finds none', async () => {
    const { queue, afterCommit } = await withOther()
    await queue.enqueue(builds, [{ repository: 'a' }])
    const claim = await afterCommit(`insert into ops_open values ('ops_key', 'processor:build', 7)`, () =>
      queue.claim(tables),
    )
    expect(claim).toBeUndefined()
  })
})

describe('a settlement', unless(postgresMissing), () => {
  /** Recovered by another worker, retried, and begun again. */
  const again = (run: number) =>
    `select ops_deployments_settle(${run}, '1', 'failed', 'crashed', 'gone', null, false, 'two', null, null);
     update deployments set status = 'pending'; update deployments set status = 'ongoing'`

  it.each([{}, { environment: 'b' }])(
    'that waits while its run is replaced by another changes nothing (columns: %j)',
    async (columns) => {
      const { queue, afterCommit, everything, raw } = await withOther()
      await queue.enqueue(deployments, environments('a'))
      const { run } = (await queue.claim(tables))!
      const settle = () => queue.settle(run, { kind: 'succeeded', columns }, tables)
      expect(await afterCommit(again(run.id), settle)).toEqual({ held: false, next: undefined })
      const after = await everything()
      expect(await settle()).toEqual({ held: false, next: undefined })
      expect(await everything()).toEqual(after)
      expect((await raw.query('select status, environment, attempt from deployments')).rows).toEqual([
        { status: 'ongoing', environment: 'a', attempt: 1 },
      ])
    },
  )

  it('whose run is taken away while it writes columns still claims the next task', async () => {
    const { queue, afterCommit } = await withOther()
    await queue.enqueue(deployments, environments('a'))
    const { run } = (await queue.claim(tables))!
    await queue.enqueue(builds, [{ repository: 'a' }])
    const settled = await afterCommit(again(run.id), () =>
      queue.settle(run, { kind: 'succeeded', columns: { environment: 'b' } }, tables),
    )
    expect([settled.held, settled.next!.run.queued]).toEqual([false, queuedBuilds])
  })
})
