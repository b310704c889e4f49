import { drizzle } from 'drizzle-orm/node-postgres'
import {
  bigint,
  boolean,
  date,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { existingTable } from '../../../src/task-table/existing-table.ts'
import { openQueue, postgresFixture, postgresMissing } from '../../support/postgres-fixture.ts'
import { queued } from '../../support/queued.ts'
import { unless } from '../../support/unless.ts'

const status = pgEnum('task_status', ['pending', 'ongoing', 'succeeded', 'failed', 'canceled'])

/** A uuid for an id, an enum for a status, instants with and without a time zone, and columns of many types. */
const orders = pgTable('orders', {
  id: uuid('id').primaryKey().defaultRandom(),
  status: status('status').notNull().default('pending'),
  createdAt: timestamp('created_at').notNull().defaultNow(),
  runAt: timestamp('run_at', { withTimezone: true, mode: 'string' }),
  startedAt: timestamp('started_at'),
  finishedAt: timestamp('finished_at', { withTimezone: true }),
  customer: varchar('customer', { length: 20 }).notNull(),
  price: numeric('price', { precision: 30, scale: 10 }),
  isPaid: boolean('is_paid'),
  lines: jsonb('lines'),
  tags: text('tags').array(),
  ships: date('ships', { mode: 'date' }),
  views: bigint('views', { mode: 'bigint' }),
  error: text('error'),
})
const create = `create type task_status as enum ('pending', 'ongoing', 'succeeded', 'failed', 'canceled');
  create table orders (
    id uuid primary key default gen_random_uuid(), status task_status not null default 'pending',
    created_at timestamp not null default now(), run_at timestamptz, started_at timestamp, finished_at timestamptz,
    customer varchar(20) not null, price numeric(30, 10), is_paid boolean, lines jsonb, tags text[], ships date,
    views bigint, error text
  )`
const queuedOrders = queued(existingTable({ postgres: orders }), {
  exclusivity: { kind: 'column', name: 'customer', column: 'customer' },
})

/** Texts for ids and for instants, numbers for instants, and nothing that is not needed. */
const letters = pgTable('letters', {
  id: text('id').primaryKey(),
  status: text('status').notNull(),
  created_at: text('created_at').notNull(),
  started_at: bigint('started_at', { mode: 'number' }),
  attempt: integer('attempt'),
})
const queuedLetters = queued(existingTable({ postgres: letters }))

async function withTables() {
  const fixture = await postgresFixture([])
  await fixture.raw.query(create)
  await fixture.raw.query(
    'create table letters (id text primary key, status text not null, created_at text not null, started_at bigint, attempt int)',
  )
  await fixture.queue.migrate([], [queuedOrders, queuedLetters])
  return fixture
}

const order = {
  customer: 'Ada',
  price: '12345678901234567890.0123456789',
  isPaid: true,
  lines: [{ sku: 'a' }],
  tags: ['x', 'y, z', null],
  ships: new Date('2030-02-03'),
  views: 2n ** 60n,
}

describe('an existing table', unless(postgresMissing), () => {
  it('returns its tasks as Drizzle reads them', async () => {
    const { queue, raw } = await withTables()
    const [{ id } = { id: '' }] = await queue.enqueue(queuedOrders.table, [order])
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    const before = Date.now()
    const { run, task } = (await queue.claim([queuedOrders]))!
    expect(run).toMatchObject({ taskId: id, attempt: 1 })
    const [byDrizzle] = await drizzle({ client: raw }).select().from(orders)
    expect(task).toEqual(byDrizzle)
    expect(task).toMatchObject({ ...order, status: 'ongoing' })
    expect(Math.abs((task.startedAt as Date).getTime() - before)).toBeLessThan(2000)
    expect(await queue.find(queuedOrders.table, id)).toEqual(byDrizzle)
    expect(await queue.records.tasks(queuedOrders.table, { statuses: ['ongoing'], limit: 1 })).toEqual([byDrizzle])
  })

  it('has tasks that are counted, looked up by their time, and made due', async () => {
    const { queue, raw } = await withTables()
    const unique = { ...queuedOrders, unique: ['customer'] }
    await queue.migrate([], [unique, queuedLetters])
    const { table } = unique
    const [{ id } = { id: '' }] = await queue.enqueue(table, [order], { runAt: new Date(Date.now() + 3_600_000) })
    expect(await queue.records.oldestDue(table)).toBeUndefined()
    const [again] = await queue.enqueue(table, [{ customer: 'Ada' }])
    expect(again).toEqual({ id, isNew: false, scheduledFor: expect.any(Date) })
    expect(Math.abs(again!.scheduledFor!.getTime() - Date.now() - 3_600_000)).toBeLessThan(60_000)
    const oldest = (await queue.records.oldestDue(table))!
    expect(oldest.id).toBe(id)
    expect(Math.abs(oldest.since.getTime() - Date.now())).toBeLessThan(60_000)
    expect(await queue.records.ahead({ queued: queuedLetters, id: 'x' }, [unique])).toEqual([
      { processor: 'order', count: 1 },
      { processor: 'letter', count: 0 },
    ])
    await raw.query(`insert into letters (id, status, created_at) values ('a', 'pending', '2030-01-31T12:00:00.000Z')`)
    expect(await queue.records.oldestDue(queuedLetters.table)).toEqual({
      id: 'a',
      since: new Date('2030-01-31T12:00:00.000Z'),
    })
  })

  it('has tasks that are settled, retried, canceled and recorded by id', async () => {
    const { queue, rows } = await withTables()
    const [{ id } = { id: '' }] = await queue.enqueue(queuedOrders.table, [order])
    const { run } = (await queue.claim([queuedOrders]))!
    expect(await queue.openRuns()).toMatchObject([{ taskId: id, taskTable: 'orders' }])
    const failure = { kind: 'failed', error: 'late', return: { delay: 3_600_000 } } as const
    expect(await queue.settle(run, failure, [queuedOrders])).toEqual({ held: true, next: undefined })
    const [{ due } = { due: 0 }] = await rows(`select extract(epoch from run_at - now())::float8 as due from orders`)
    expect(due).toBeGreaterThan(3590)
    expect(due).toBeLessThanOrEqual(3600)
    expect(await queue.cancel(queuedOrders.table, id, 'ada')).toEqual({ change: 'canceled', status: 'canceled' })
    expect(await queue.retry(queuedOrders.table, id, 'ada')).toEqual({ change: 'retried', status: 'pending' })
    const again = (await queue.claim([queuedOrders]))!
    const columns = { price: '1.5000000000', tags: ['z'], lines: { a: 1 } }
    await queue.settle(again.run, { kind: 'succeeded', columns })
    expect(await queue.find(queuedOrders.table, id)).toMatchObject({ ...columns, status: 'succeeded', error: null })
    expect(await queue.records.runs(queuedOrders.table, id)).toHaveLength(2)
    const audit = await queue.records.audit({ table: 'orders', taskId: id, limit: 20 })
    expect(audit.map(({ event, taskId }) => [event, taskId])).toEqual(
      ['enqueued', 'started', 'returned', 'canceled', 'retried', 'started', 'succeeded'].map((event) => [event, id]),
    )
  })

  it('can be exclusive by its columns', async () => {
    const { queue } = await withTables()
    const customers = ['Ada', 'Ada', 'Bob'].map((customer) => ({ customer }))
    for (const row of customers) await queue.enqueue(queuedOrders.table, [row])
    const claims = [await queue.claim([queuedOrders]), await queue.claim([queuedOrders])]
    expect(claims.map((claim) => claim!.task.customer)).toEqual(['Ada', 'Bob'])
    expect(await queue.claim([queuedOrders])).toBeUndefined()
  })

  it('can have text and numbers for instants, and only required columns', async () => {
    const { queue, url } = await withTables()
    for (const id of ['b', 'a']) await queue.enqueue(queuedLetters.table, [{ id }])
    const { run, task } = (await queue.claim([queuedLetters]))!
    expect(task).toMatchObject({ id: 'b', status: 'ongoing', attempt: 1 })
    expect(Math.abs((task.started_at as number) - Date.now())).toBeLessThan(2000)
    expect(new Date(task.created_at as string).getTime()).toBeLessThanOrEqual(task.started_at as number)
    const { next } = await queue.settle(run, { kind: 'succeeded', columns: {} }, [queuedLetters])
    expect(next!.run.taskId).toBe('a')
    expect(await queue.find(queuedLetters.table, 'c')).toBeUndefined()
    expect(await openQueue(url).waitForWork([queuedLetters], 10, new AbortController().signal)).toBe('changed')
  })

  it.each(['pending', 'ongoing', 'succeeded'])(
    'does not let a row without a status, older than the guarantees, become %s',
    async (to) => {
      const { queue, raw, rows } = await postgresFixture([])
      await raw.query(
        'create table letters (id text primary key, status text, created_at text, started_at bigint, attempt int)',
      )
      await raw.query(`insert into letters (id) values ('a')`)
      await queue.migrate([], [queuedLetters])
      const update = raw.query(`update letters set status = '${to}'`)
      await expect(update).rejects.toThrow(`letter a cannot go from "null" to "${to}"`)
      expect(await rows('select status from letters')).toEqual([{ status: null }])
      expect(await queue.claim([queuedLetters])).toBeUndefined()
    },
  )

  it('has no task with an id of the wrong type', async () => {
    const { queue } = await withTables()
    const { table } = queuedOrders
    expect(await queue.find(table, 'seven')).toBeUndefined()
    expect(await queue.cancel(table, 7, 'ada')).toBeUndefined()
    expect(await queue.retry(table, 'seven', 'ada')).toBeUndefined()
    expect(await queue.records.runs(table, 'seven')).toEqual([])
  })
})
