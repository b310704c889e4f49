import { describe, expect, it } from 'vitest'
import { FOREIGN_WRITER } from '../../../src/queue/records.ts'
import { connect, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, builds, checks, queuedChecks } from '../tables.ts'

const insert = (name: string, count = 1) =>
  `insert into ${name} ${name === 'builds' ? '(repository)' : '(url)'} select 'a' from generate_series(1, ${count})`

/** Somebody who reads on from the last entry that he was given. */
async function following(filter: { table?: string; taskId?: number } = {}) {
  const fixture = await postgresFixture(allTables)
  let after: number | undefined
  const read = async (limit = 100) => {
    const entries = await fixture.queue.records.audit({ ...filter, after, limit })
    after = entries.at(-1)?.id ?? after ?? 0
    return entries.map(({ id }) => id)
  }
  return { ...fixture, read, writers: [await connect(fixture.url), await connect(fixture.url)] as const }
}

describe('the audit', unless(postgresMissing), () => {
  it('has one order for starts, ends and events', async () => {
    const { queue, rows } = await postgresFixture(allTables)
    await queue.enqueue(checks, [{}, {}])
    const { run } = (await queue.claim([queuedChecks]))!
    const { next } = await queue.settle(run, { kind: 'succeeded', columns: {} }, [queuedChecks])
    await queue.holds.take('processor:check', 'ada', undefined)
    await queue.settle(next!.run, { kind: 'failed', error: 'late' })
    const audit = await rows('select id, event, task_id from ops_audit order by id')
    expect(audit.map(({ event, task_id }) => `${event} ${task_id}`)).toEqual([
      ...['enqueued 1', 'enqueued 2', 'started 1', 'succeeded 1', 'started 2', 'held null', 'failed 2'],
    ])
    expect(new Set(audit.map(({ id }) => id)).size).toBe(7)
    expect(await rows('select id, at from ops_audit order by at')).toEqual(
      await rows('select id, at from ops_audit order by id'),
    )
    for (let limit = 1; limit <= 8; limit += 1) {
      const newest = await queue.records.audit({ limit })
      expect(newest.map(({ id }) => id)).toEqual(audit.slice(-limit).map(({ id }) => id))
      for (let after = 0; after <= 7; after += 1) {
        const page = await queue.records.audit({ after, limit })
        expect(page.map(({ id }) => id)).toEqual(audit.slice(after, after + limit).map(({ id }) => id))
      }
    }
  })

  it('has a foreign writer’s run with who ended it', async () => {
    const { raw, rows, queue } = await postgresFixture(allTables)
    await queue.enqueue(builds, [{ repository: 'a' }], { actor: 'ada' })
    await raw.query(`update builds set status = 'ongoing'; update builds set status = 'failed', error = 'by hand'`)
    expect(await rows('select event, actor, detail from ops_audit order by id')).toEqual([
      { event: 'enqueued', actor: 'ada', detail: null },
      { event: 'started', actor: FOREIGN_WRITER, detail: null },
      { event: 'failed', actor: 'postgres', detail: { error: 'by hand' } },
    ])
  })
})

describe('a follower of the audit', unless(postgresMissing), () => {
  it.each([undefined, 'checks'])('is given what is committed after later entries, once (table: %s)', async (table) => {
    const { read, writers, value } = await following(table === undefined ? {} : { table })
    const [early, late] = writers
    await early.query(insert('checks'))
    expect(await read()).toEqual([1])
    await early.query(`begin; ${insert('checks')}`)
    await late.query(insert('checks', 2))
    expect(await read()).toEqual([3, 4])
    expect(await read()).toEqual([])
    await late.query(insert('checks'))
    await early.query(`${insert('checks', 2)}; commit`)
    expect(await read()).toEqual([2, 5, 6, 7])
    expect(await read()).toEqual([])
    await early.query('begin')
    await early.query(insert('checks'))
    await late.query(insert('checks'))
    await early.query('rollback')
    expect(await read()).toEqual([9])
    expect(await read()).toEqual([])
    expect(await value('select count(*) from ops_audit')).toBe(8)
  })

  it('is given an entry before the first ones that it saw, if only that is new', async () => {
    const { read, writers } = await following()
    const [early, late] = writers
    await early.query(insert('checks'))
    await early.query(`begin; ${insert('checks')}`)
    await late.query(insert('checks'))
    expect(await read()).toEqual([1, 3])
    await early.query('commit')
    expect(await read()).toEqual([2])
    await late.query(insert('checks'))
    expect(await read()).toEqual([4])
    expect(await read()).toEqual([])
  })

  it('is given the entry of a transaction that began later, took an earlier number and is committed last', async () => {
    const { read, writers } = await following()
    const [first, second] = writers
    await first.query('begin; select pg_current_xact_id()')
    await second.query(`begin; ${insert('checks')}`)
    await first.query(`${insert('checks')}; commit`)
    expect(await read()).toEqual([2])
    await second.query('commit')
    expect(await read()).toEqual([1])
  })

  it('is given the end of a run that was begun long before', async () => {
    const { read, writers, queue } = await following()
    const [early, late] = writers
    await queue.enqueue(checks, [{}])
    const { run } = (await queue.claim([queuedChecks]))!
    await late.query(insert('builds', 1000))
    expect(await read(2000)).toHaveLength(1002)
    const ids = ['1']
    await early.query(
      `begin; select ops_checks_settle(${run.id}, '${ids[0]}', 'succeeded', 'succeeded', null, null, false, null, null, null)`,
    )
    await late.query(insert('builds'))
    expect(await read()).toEqual([1004])
    await early.query('commit')
    expect(await read()).toEqual([1003])
    expect(await read()).toEqual([])
  })

  it('is given a page at a time of what it missed', async () => {
    const { read, writers } = await following()
    const [early, late] = writers
    await early.query(`begin; ${insert('checks', 5)}`)
    await late.query(insert('checks', 2))
    expect(await read()).toEqual([6, 7])
    // Whatever happens before everything is read.
    await early.query('commit')
    await late.query(insert('checks', 1))
    expect(await read(2)).toEqual([1, 2])
    expect(await read(2)).toEqual([3, 4])
    expect(await read(2)).toEqual([5, 8])
    expect(await read(2)).toEqual([])
  })

  it('misses nothing and sees nothing twice while four clients write', async () => {
    const { read, url, value } = await following()
    // It follows before they write: otherwise its first page is the newest entries alone.
    expect(await read(20)).toEqual([])
    const clients = await Promise.all([1, 2, 3, 4].map(() => connect(url)))
    let isDone = false
    const writing = Promise.all(
      clients.map(async (client, index) => {
        for (let time = 0; time < 40; time += 1) {
          await client.query('begin')
          await client.query(insert('checks', 1 + ((time + index) % 3)))
          await client.query('select pg_sleep(random() / 200)')
          await client.query(time % 5 === index ? 'rollback' : 'commit')
        }
      }),
    ).then(() => {
      isDone = true
    })
    const seen: number[] = []
    while (!isDone) seen.push(...(await read(20)))
    await writing
    for (let page = await read(20); page.length > 0; page = await read(20)) seen.push(...page)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toHaveLength((await value('select count(*) from ops_audit')) as number)
  })
})
