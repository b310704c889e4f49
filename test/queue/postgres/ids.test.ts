import { describe, expect, it } from 'vitest'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, builds, deployments, queuedBuilds } from '../tables.ts'

const large = '9007199254740993'

describe('an id beyond what a number holds', unless(postgresMissing), () => {
  it('is exact in every answer', async () => {
    const { queue, url, raw, rows } = await postgresFixture(allTables)
    await raw.query(`alter sequence builds_id_seq restart ${large}`)
    expect(await queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])).toEqual([
      { id: large, isNew: true },
      { id: '9007199254740994', isNew: true },
    ])
    const { run, task } = (await queue.claim(allTables))!
    expect([run.taskId, task.id]).toEqual([large, large])
    expect(await queue.report(run, { fraction: 0.5, note: undefined })).toBe(true)
    expect(await queue.openRuns()).toMatchObject([{ taskId: large }])
    expect(await queue.cancel(builds, large, 'ada')).toEqual({ change: 'asked', status: 'ongoing' })
    expect(await queue.settle(run, { kind: 'failed', error: 'late', columns: { revision: 'abc' } })).toMatchObject({
      held: true,
    })
    expect(await queue.find(builds, large)).toMatchObject({
      id: large,
      status: 'failed',
      revision: 'abc',
      progress: 0.5,
    })
    expect(await queue.find(builds, '9007199254740992')).toBeUndefined()
    expect(await queue.retry(builds, large, 'ada')).toEqual({ change: 'retried', status: 'pending' })
    expect(await queue.records.runs(builds, large)).toHaveLength(1)
    expect(
      (await queue.records.audit({ table: 'builds', taskId: large, limit: 9 })).map(({ taskId }) => taskId),
    ).toEqual(Array.from({ length: 5 }, () => large))
    expect((await queue.records.tasks(builds, { statuses: [], limit: 9 })).map(({ id }) => id)).toEqual([
      '9007199254740994',
      large,
    ])
    const other = openQueue(url)
    await queue.claim([queuedBuilds])
    const [dead] = await other.openRuns()
    expect(await other.settleDead(dead!, queuedBuilds, { kind: 'crashed', error: 'worker ops died' })).toBe(true)
    expect(await rows(`select status from builds where id = ${dead!.taskId}`)).toEqual([{ status: 'failed' }])
  })

  it('is exact where another task references it', async () => {
    const { queue, raw } = await postgresFixture(allTables)
    await raw.query(`insert into builds (id, repository) overriding system value values (${large}, 'a')`)
    await queue.enqueue(deployments, [{ environment: 'a', buildId: large as never }])
    expect(await queue.find(deployments, 1)).toMatchObject({ buildId: large })
  })
})
