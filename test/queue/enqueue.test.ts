import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InvalidTaskError } from '../../src/errors.ts'
import { enqueue, type SqliteHandle } from '../../src/queue/enqueue.ts'
import { type SqliteFixture, sqliteFixture } from '../support/sqlite-fixture.ts'
import { allTables, builds, checks, deployments, queuedChecks, syncs } from './tables.ts'

interface Application extends SqliteFixture {
  readonly handle: SqliteHandle
  readonly connection: Database.Database
  readonly database: BetterSQLite3Database
}

/** An application beside ops, with a connection of its own. */
async function application(kind: 'better-sqlite3' | 'Drizzle'): Promise<Application> {
  const fixture = await sqliteFixture(allTables)
  const connection = new Database(fixture.file)
  onTestFinished(() => {
    connection.close()
  })
  connection.exec('create table orders (id integer primary key)')
  const database = drizzle({ client: connection })
  return { ...fixture, connection, database, handle: kind === 'Drizzle' ? database : connection }
}

describe.each(['better-sqlite3', 'Drizzle'] as const)('enqueue with a %s database', (kind) => {
  it('adds one task and returns it', async () => {
    const { handle, queue } = await application(kind)
    expect(enqueue(handle, builds, { repository: 'a' })).toEqual({ id: 1, isNew: true })
    expect(enqueue(handle, builds, { repository: 'b' })).toEqual({ id: 2, isNew: true })
    const claim = (await queue.claim(allTables))!
    expect(claim.task).toMatchObject({ id: 1, repository: 'a', attempt: 1 })
  })

  it('adds many tasks and returns them in order', async () => {
    const { handle, rows } = await application(kind)
    expect(enqueue(handle, checks, [{ url: 'a' }, {}, { url: 'c', result: { code: 200 } }])).toEqual(
      [1, 2, 3].map((id) => ({ id, isNew: true })),
    )
    expect(rows('select url, result from checks order by id')).toEqual([
      { url: 'a', result: null },
      { url: null, result: null },
      { url: 'c', result: '{"code":200}' },
    ])
    expect(enqueue(handle, checks, [])).toEqual([])
  })

  it('adds all tasks or none', async () => {
    const { handle, rows } = await application(kind)
    enqueue(handle, builds, { repository: 'a' })
    const values = [{ buildId: 1 }, { buildId: 7 }]
    expect(() => enqueue(handle, deployments, values)).toThrow(/foreign key/i)
    expect(rows('select id from deployments')).toEqual([])
  })

  it('writes nothing if a column is wrong', async () => {
    const { handle, rows } = await application(kind)
    const wrong = [{ repository: 'a' }, { repository: 7 }] as never
    expect(() => enqueue(handle, builds, wrong)).toThrow(InvalidTaskError)
    expect(() => enqueue(handle, builds, wrong)).toThrow('builds, task 2: repository: expected a string, got 7')
    expect(() => enqueue(handle, builds, { repositry: 'a' } as never)).toThrow('did you mean "repository"?')
    expect(() => enqueue(handle, builds, {} as never)).toThrow('builds: "repository" is missing')
    expect(rows('select id from builds')).toEqual([])
  })

  it('schedules a task for later', async () => {
    const { handle, queue } = await application(kind)
    const runAt = new Date(Date.now() + 3_600_000)
    enqueue(handle, checks, [{}, {}], { runAt })
    expect(await queue.find(checks, 2)).toMatchObject({ runAt, status: 'pending' })
    expect(await queue.claim([queuedChecks])).toBeUndefined()
  })

  it.each([
    [new Date(Number.NaN), 'an invalid date'],
    [new Date('+200000-01-01'), '+200000-01-01T00:00:00.000Z'],
  ])('refuses a time that cannot be stored', async (runAt, got) => {
    const { handle, rows } = await application(kind)
    expect(() => enqueue(handle, checks, {}, { runAt })).toThrow(
      `checks: "runAt" must be a time between the years 1 and 9999, got ${got}`,
    )
    expect(rows('select id from checks')).toEqual([])
  })

  it('returns the existing task of a unique table', async () => {
    const { handle } = await application(kind)
    expect(enqueue(handle, syncs, { environment: 'a' })).toEqual({ id: 1, isNew: true })
    expect(enqueue(handle, syncs, { environment: 'a', note: 'again' })).toEqual({ id: 1, isNew: false })
    expect(enqueue(handle, syncs, {})).toEqual({ id: 3, isNew: true })
    expect(enqueue(handle, syncs, {})).toEqual({ id: 3, isNew: false })
    expect(enqueue(handle, syncs, [{}, { ref: 'HEAD' }])).toEqual([3, 3].map((id) => ({ id, isNew: false })))
  })

  it('is recorded in the audit', async () => {
    const { handle, rows } = await application(kind)
    enqueue(handle, checks, {})
    expect(rows('select task_table, task_id, event from ops_audit')).toEqual([
      { task_table: 'checks', task_id: 1, event: 'enqueued' },
    ])
  })
})

describe('enqueue in a transaction', () => {
  const order = (connection: Database.Database) => connection.exec('insert into orders default values')
  const count = ({ value }: Application) =>
    value('select (select count(*) from orders) + (select count(*) from checks)')

  it('of better-sqlite3 commits with it', async () => {
    const shop = await application('better-sqlite3')
    shop.connection.transaction(() => {
      order(shop.connection)
      enqueue(shop.connection, checks, [{}, {}])
      expect(count(shop)).toBe(0)
    })()
    expect(count(shop)).toBe(3)
  })

  it('of better-sqlite3 is rolled back with it', async () => {
    const shop = await application('better-sqlite3')
    const failing = shop.connection.transaction(() => {
      order(shop.connection)
      enqueue(shop.connection, checks, {})
      throw new Error('no such customer')
    })
    expect(failing).toThrow('no such customer')
    expect(count(shop)).toBe(0)
    expect(shop.value('select count(*) from ops_audit')).toBe(0)
  })

  it('of Drizzle commits with it', async () => {
    const shop = await application('Drizzle')
    shop.database.transaction((transaction) => {
      order(shop.connection)
      expect(enqueue(transaction, checks, [{}, {}])).toMatchObject([{ id: 1 }, { id: 2 }])
      expect(count(shop)).toBe(0)
    })
    expect(count(shop)).toBe(3)
  })

  it('of Drizzle is rolled back with it', async () => {
    const shop = await application('Drizzle')
    const failing = () =>
      shop.database.transaction((transaction) => {
        order(shop.connection)
        enqueue(transaction, checks, {})
        transaction.rollback()
      })
    expect(failing).toThrow('Rollback')
    expect(count(shop)).toBe(0)
  })

  it('that continues after a refused task keeps the others', async () => {
    const shop = await application('better-sqlite3')
    shop.connection.transaction(() => {
      order(shop.connection)
      expect(() => enqueue(shop.connection, builds, [{ repository: 'a' }, {} as never])).toThrow(InvalidTaskError)
      enqueue(shop.connection, checks, {})
    })()
    expect(count(shop)).toBe(2)
    expect(shop.value('select count(*) from builds')).toBe(0)
  })

  it('adds all tasks or none, even if the transaction continues after an error', async () => {
    const shop = await application('better-sqlite3')
    shop.connection.transaction(() => {
      order(shop.connection)
      enqueue(shop.connection, builds, { repository: 'a' })
      expect(() => enqueue(shop.connection, deployments, [{ buildId: 1 }, { buildId: 7 }])).toThrow(/foreign key/i)
    })()
    expect(shop.value('select count(*) from builds')).toBe(1)
    expect(shop.value('select count(*) from deployments')).toBe(0)
  })
})
