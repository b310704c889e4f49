import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InvalidTaskError } from '../../../src/errors.ts'
import { enqueue, type PostgresHandle } from '../../../src/queue/enqueue.ts'
import { connect, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { allTables, builds, checks, deployments, queuedChecks, syncs } from '../tables.ts'

const kinds = ['a client', 'a pool', 'Drizzle on a client', 'Drizzle on a pool'] as const

/** An application beside ops, with connections of its own. */
async function application(kind: (typeof kinds)[number] = 'a client') {
  const fixture = await postgresFixture(allTables, 'create table orders (id int)')
  const client = await connect(fixture.url)
  const pool = new pg.Pool({ connectionString: fixture.url })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  const handles: Record<(typeof kinds)[number], PostgresHandle> = {
    'a client': client,
    'a pool': pool,
    'Drizzle on a client': drizzle({ client }),
    'Drizzle on a pool': drizzle({ client: pool }),
  }
  const database: NodePgDatabase = drizzle({ client: pool })
  const count = () => fixture.value('select (select count(*) from orders) + (select count(*) from checks)')
  return { ...fixture, client, pool, database, handle: handles[kind], count }
}

describe.each(kinds)('enqueue with %s', unless(postgresMissing), (kind) => {
  it('adds one or many tasks and returns their ids in order', async () => {
    const { handle, rows, queue } = await application(kind)
    const { id }: { id: number } = await enqueue(handle, builds, { repository: 'a' })
    expect(id).toBe(1)
    expect(await enqueue(handle, checks, [{ url: 'a' }, {}, { url: 'c', result: { code: 200 } }])).toEqual(
      [1, 2, 3].map((id) => ({ id, isNew: true })),
    )
    expect(await rows('select url, result from checks order by id')).toEqual([
      { url: 'a', result: null },
      { url: null, result: null },
      { url: 'c', result: { code: 200 } },
    ])
    expect(await enqueue(handle, checks, [])).toEqual([])
    expect((await queue.claim(allTables))!.task).toMatchObject({ id: 1, url: 'a' })
  })

  it('adds all tasks or none', async () => {
    const { handle, rows } = await application(kind)
    await enqueue(handle, builds, { repository: 'a' })
    const rows1500 = Array.from({ length: 1500 }, () => ({ buildId: 1 }))
    await expect(enqueue(handle, deployments, [...rows1500, { buildId: 7 }])).rejects.toThrow(/foreign key/i)
    expect(await rows('select id from deployments')).toEqual([])
    expect(await enqueue(handle, deployments, rows1500)).toHaveLength(1500)
    expect(await rows('select distinct build_id from deployments')).toEqual([{ build_id: 1 }])
  })

  it('writes nothing when a column is wrong', async () => {
    const { handle, rows } = await application(kind)
    const wrong = [{ repository: 'a' }, { repository: 7 }] as never
    await expect(enqueue(handle, builds, wrong)).rejects.toThrow(InvalidTaskError)
    await expect(enqueue(handle, builds, {} as never)).rejects.toThrow('builds: "repository" is missing')
    expect(await rows('select id from builds')).toEqual([])
  })

  it('schedules a task for later', async () => {
    const { handle, queue } = await application(kind)
    const runAt = new Date(Date.now() + 3_600_000)
    await enqueue(handle, checks, [{}, {}], { runAt })
    expect(await queue.find(checks, 2)).toMatchObject({ runAt, status: 'pending' })
    expect(await queue.claim([queuedChecks])).toBeUndefined()
  })

  it('returns the existing task of a unique table', async () => {
    const { handle } = await application(kind)
    const { id } = await enqueue(handle, syncs, { environment: 'a' })
    const again = { id, isNew: false }
    expect(await enqueue(handle, syncs, { environment: 'a', note: 'again' })).toEqual(again)
    const added = await enqueue(handle, syncs, [{ environment: 'b' }, { environment: 'a' }, { environment: 'b' }])
    const [first] = added
    expect(added).toEqual([{ id: expect.any(Number), isNew: true }, again, { id: first!.id, isNew: false }])
    const runAt = new Date(Date.now() + 3_600_000)
    const scheduled = await enqueue(handle, syncs, { environment: 'c' }, { runAt })
    expect(await enqueue(handle, syncs, { environment: 'c' })).toEqual({
      ...{ id: scheduled.id, isNew: false },
      scheduledFor: runAt,
    })
    const plain = await enqueue(handle, syncs, {})
    expect(plain.isNew).toBe(true)
    expect(await enqueue(handle, syncs, {})).toEqual({ id: plain.id, isNew: false })
  })
})

describe('enqueue in a transaction', unless(postgresMissing), () => {
  it('of a client commits with it', async () => {
    const { client, count } = await application()
    await client.query('begin; insert into orders values (1)')
    await enqueue(client, checks, [{}, {}])
    expect(await count()).toBe(0)
    await client.query('commit')
    expect(await count()).toBe(3)
  })

  it('of a client is rolled back with it', async () => {
    const { client, count, value } = await application()
    await client.query('begin; insert into orders values (1)')
    await enqueue(client, checks, [{}, {}])
    await enqueue(client, checks, {})
    await client.query('rollback')
    expect(await count()).toBe(0)
    expect(await value('select count(*) from ops_audit')).toBe(0)
  })

  it('of Drizzle commits or is rolled back with it', async () => {
    const { database, count } = await application()
    await database.transaction(async (transaction) => {
      expect(await enqueue(transaction, checks, [{}, {}])).toMatchObject([{ id: 1 }, { id: 2 }])
      expect(await count()).toBe(0)
    })
    expect(await count()).toBe(2)
    const failing = database.transaction(async (transaction) => {
      await enqueue(transaction, checks, {})
      transaction.rollback()
    })
    await expect(failing).rejects.toThrow('Rollback')
    expect(await count()).toBe(2)
  })

  it('adds all tasks or none, even if the transaction continues after an error', async () => {
    const { client, rows, count } = await application()
    await client.query('begin; insert into orders values (1)')
    await enqueue(client, builds, { repository: 'a' })
    await expect(enqueue(client, deployments, [{ buildId: 1 }, { buildId: 7 }])).rejects.toThrow(/foreign key/i)
    await client.query('commit')
    expect(await count()).toBe(1)
    expect(await rows('select id from deployments')).toEqual([])
    expect(await rows('select id from builds')).toHaveLength(1)
  })

  it('is not aborted by a conflict of unique tasks', async () => {
    const { client, count } = await application()
    await enqueue(client, syncs, { environment: 'a' })
    await client.query('begin; insert into orders values (1)')
    expect(await enqueue(client, syncs, { environment: 'a' })).toEqual({ id: 1, isNew: false })
    await client.query('commit')
    expect(await count()).toBe(1)
  })

  it('names the violated constraint of the application', async () => {
    const { client } = await application()
    await client.query('create unique index checks_url on checks (url)')
    await enqueue(client, checks, { url: 'a' })
    await expect(enqueue(client, checks, { url: 'a' })).rejects.toThrow('checks_url')
  })
})
