import { integer as pgInteger, pgTable, text as pgText, timestamp as pgTimestamp } from 'drizzle-orm/pg-core'
import { customType, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { describe, expect, it } from 'vitest'
import { problemLine } from '../../src/errors.ts'
import { enqueue } from '../../src/queue/enqueue.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { checkTask } from '../../src/task-table/check-task.ts'
import { existingTable } from '../../src/task-table/existing-table.ts'
import type { TaskTable } from '../../src/task-table/task-table.ts'
import { queued } from '../support/queued.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'

const orders = existingTable({
  sqlite: sqliteTable('orders', {
    id: integer('id').primaryKey({ autoIncrement: true }),
    status: text('status').notNull().default('pending'),
    createdAt: integer('created_at', { mode: 'timestamp_ms' }).notNull(),
    runAt: integer('run_at', { mode: 'timestamp_ms' }),
    customerName: text('customer_name').notNull(),
    price: real('price'),
    paid: integer('paid', { mode: 'boolean' }),
    size: text('size', { enum: ['s', 'l'] }),
    lines: text('lines', { mode: 'json' }),
  }),
})

const linesOf = (...args: Parameters<typeof checkTask>) => checkTask(...args).map(problemLine)

describe('an existing table', () => {
  it('takes its columns from the Drizzle table', () => {
    expect(orders.name).toBe('orders')
    const described = Object.values(orders.columns).map(({ key, name, type }) => `${key} ${name} ${type}`)
    expect(described).toEqual([
      'id id integer',
      'status status text',
      'createdAt created_at timestamp',
      'runAt run_at timestamp',
      'customerName customer_name text',
      'price price real',
      'paid paid boolean',
      'size size enumeration',
      'lines lines json',
    ])
    const own = Object.values(orders.columns).filter(({ isLifecycle }) => !isLifecycle)
    expect(own.map(({ key }) => key)).toEqual(['customerName', 'price', 'paid', 'size', 'lines'])
  })

  it('keeps its keys as they are', () => {
    const table = existingTable({
      sqlite: sqliteTable('jobs', {
        id: integer('id').primaryKey(),
        status: text('status'),
        created_at: integer('created_at'),
        file_name: text('file_name'),
      }),
    })
    expect(Object.keys(table.columns)).toEqual(['id', 'status', 'created_at', 'file_name'])
    expect(table.columns.created_at).toMatchObject({ name: 'created_at', isLifecycle: true })
  })

  it('can be a PostgreSQL table', () => {
    const table = existingTable({
      postgres: pgTable('jobs', {
        id: pgInteger('id').primaryKey(),
        status: pgText('status'),
        createdAt: pgTimestamp('created_at'),
      }),
    })
    expect(table.name).toBe('jobs')
    expect(table.columns.createdAt).toMatchObject({ type: 'timestamp', isLifecycle: true })
  })

  it('has its new tasks checked', () => {
    expect(checkTask(orders, { customerName: 'Ada', size: 's', paid: true, lines: [1] })).toEqual([])
    expect(linesOf(orders, { size: 'm', paid: 1 })).toEqual([
      'size: expected one of s, l, got "m"',
      'paid: expected true or false, got 1',
      '"customerName" is missing',
    ])
  })

  it('is refused without the required columns', () => {
    const make = () => existingTable({ sqlite: sqliteTable('notes', { id: integer('id'), note: text('note') }) })
    expect(make).toThrow(
      'Invalid task table "notes": a task table needs the columns id, status, created_at; missing: status, created_at.',
    )
    expect(() => existingTable({})).toThrow('existingTable needs a Drizzle table for "sqlite" or "postgres"')
  })
})

interface Case {
  readonly title: string
  readonly create: string
  readonly table: TaskTable
  /** How the application inserts a task. */
  readonly insert: string
  readonly id: number | string
}

const seconds = { mode: 'timestamp' } as const
const day = customType<{ data: Date; driverData: string }>({
  dataType: () => 'text',
  toDriver: (date) => date.toISOString(),
  fromDriver: (text) => new Date(text),
})

const cases: Case[] = [
  {
    title: 'with only the required columns',
    create: `create table jobs (id integer primary key autoincrement, status text not null default 'pending',
      created_at integer not null default 1, file text)`,
    table: existingTable({
      sqlite: sqliteTable('jobs', {
        id: integer('id').primaryKey({ autoIncrement: true }),
        status: text('status').notNull().default('pending'),
        created_at: integer('created_at').notNull().default(1),
        file: text('file'),
      }),
    }),
    insert: `insert into jobs (file) values ('a')`,
    id: 1,
  },
  {
    title: 'with string ids',
    create: `create table jobs (id text primary key not null, status text not null default 'pending',
      created_at integer not null, finished_at integer, file text)`,
    table: existingTable({
      sqlite: sqliteTable('jobs', {
        id: text('id').primaryKey(),
        status: text('status').notNull().default('pending'),
        createdAt: integer('created_at', { mode: 'timestamp_ms' }).notNull(),
        finishedAt: integer('finished_at', { mode: 'timestamp_ms' }),
        file: text('file'),
      }),
    }),
    insert: `insert into jobs (id, created_at, file) values ('job-a', 1, 'a')`,
    id: 'job-a',
  },
  {
    title: 'with instants in seconds',
    create: `create table jobs (id integer primary key, status text not null default 'pending',
      created_at integer not null, run_at integer not null, started_at integer, finished_at integer, file text)`,
    table: existingTable({
      sqlite: sqliteTable('jobs', {
        id: integer('id').primaryKey(),
        status: text('status').notNull().default('pending'),
        createdAt: integer('created_at', seconds).notNull(),
        runAt: integer('run_at', seconds).notNull(),
        startedAt: integer('started_at', seconds),
        finishedAt: integer('finished_at', seconds),
        file: text('file'),
      }),
    }),
    insert: `insert into jobs (created_at, run_at, file) values (1, 1, 'a')`,
    id: 1,
  },
  {
    title: 'with instants as numbers and text, and no defaults',
    create: `create table jobs (id integer primary key, status text, created_at text, run_at integer,
      attempt integer, started_at text, finished_at integer, error text, progress real, file text)`,
    table: existingTable({
      sqlite: sqliteTable('jobs', {
        id: integer('id').primaryKey(),
        status: text('status'),
        created_at: text('created_at'),
        run_at: integer('run_at'),
        attempt: integer('attempt'),
        started_at: text('started_at'),
        finished_at: integer('finished_at'),
        error: text('error'),
        progress: real('progress'),
        file: text('file'),
      }),
    }),
    insert: `insert into jobs (status, created_at, run_at, file) values ('pending', '2030-01-01', 1, 'a')`,
    id: 1,
  },
  {
    title: 'with a custom column type',
    create: `create table jobs (id integer primary key, status text not null default 'pending', created_at text not null,
      run_at text not null default '1999-01-01', started_at text, file text)`,
    table: existingTable({
      sqlite: sqliteTable('jobs', {
        id: integer('id').primaryKey(),
        status: text('status').notNull().default('pending'),
        createdAt: day('created_at').notNull(),
        runAt: day('run_at').notNull(),
        startedAt: day('started_at'),
        file: text('file'),
      }),
    }),
    insert: `insert into jobs (created_at, file) values ('1999-01-01', 'a')`,
    id: 1,
  },
]

describe.each(cases)('an existing table $title', ({ create, table, insert, id }) => {
  const open = async () => {
    const fixture = await sqliteFixture([])
    fixture.raw.exec(create)
    const job: QueuedTable = queued(table, { exclusivity: { kind: 'column', name: 'file', column: 'file' } })
    await fixture.queue.migrate([], [job])
    return { ...fixture, job }
  }

  it('has tasks that are claimed and settled', async () => {
    const { queue, raw, rows, job } = await open()
    raw.exec(insert)
    const first = (await queue.claim([job]))!
    expect(first.run).toMatchObject({ taskId: id, attempt: 1 })
    expect(first.task).toMatchObject({ id, status: 'ongoing', file: 'a' })
    expect(await queue.report(first.run, { fraction: 0.5, note: 'half' })).toBe(true)
    expect(await queue.settle(first.run, { kind: 'failed', error: 'no such host' }, [job])).toEqual({ held: true })
    raw.exec(`update jobs set status = 'pending'`)
    const second = (await queue.claim([job]))!
    expect(second.run.id).toBeGreaterThan(first.run.id)
    const outcome = { kind: 'succeeded', columns: { file: 'b' } } as const
    expect(await queue.settle(first.run, outcome)).toEqual({ held: false })
    expect(await queue.settle(second.run, outcome)).toEqual({ held: true })
    expect(await queue.find(table, id)).toMatchObject({ id, status: 'succeeded', file: 'b' })
    expect(rows('select task_id, event from ops_audit order by id')).toEqual(
      ['enqueued', 'started', 'failed', 'retried', 'started', 'succeeded'].map((event) => ({ task_id: id, event })),
    )
    expect(() => raw.exec(`update jobs set status = 'pending'`)).toThrow(
      `job ${id} cannot go from "succeeded" to "pending"`,
    )
  })

  it('accepts tasks from enqueue', async () => {
    const { queue, raw, job } = await open()
    const own = typeof id === 'string' ? { id } : {}
    expect(enqueue(raw, table, { ...own, file: 'a' })).toEqual({ id, isNew: true })
    const { task } = (await queue.claim([job]))!
    expect(task).toMatchObject({ id, file: 'a', status: 'ongoing' })
    const created = (task.createdAt ?? task.created_at) as Date | number | string
    if (created !== 1) expect(Math.abs(new Date(created).getTime() - Date.now())).toBeLessThan(60_000)
  })

  const isScheduled = Object.values(table.columns).some(({ name }) => name === 'run_at')
  if (isScheduled) {
    it('has tasks that wait until they are due', async () => {
      const { queue, raw, job } = await open()
      const never = new AbortController().signal
      enqueue(raw, table, { file: 'a' }, { runAt: new Date(Date.now() + 2 * 3_600_000) })
      enqueue(raw, table, { file: 'b' }, { runAt: new Date(Date.now() + 3_600_000) })
      expect(await queue.claim([job])).toBeUndefined()
      while ((await queue.waitForWork([job], 50, never)) === 'changed');
      expect(await queue.waitForWork([job], 50, never)).toBe('poll')
      enqueue(raw, table, { file: 'c' }, { runAt: new Date(Date.now() - 3_600_000) })
      expect((await queue.claim([job]))!.task).toMatchObject({ file: 'c' })
    })
  } else {
    it('refuses scheduled tasks', async () => {
      const { raw, rows } = await open()
      const own = typeof id === 'string' ? { id } : {}
      expect(() => enqueue(raw, table, { ...own, file: 'a' }, { runAt: new Date() })).toThrow(
        'jobs: tasks cannot be scheduled without a column "run_at"',
      )
      expect(rows('select id from jobs')).toEqual([])
    })
  }
})

describe('a row without a status, older than the guarantees', () => {
  const { create, table } = cases.find(({ title }) => title.endsWith('no defaults'))!

  it.each(['pending', 'ongoing', 'succeeded', 'failed', 'canceled'])('cannot become %s', async (status) => {
    const { raw, queue, rows } = await sqliteFixture([])
    raw.exec(`${create}; insert into jobs (created_at, run_at) values ('2030-01-01', 1)`)
    const job = queued(table)
    await queue.migrate([], [job])
    expect(() => raw.exec(`update jobs set status = '${status}'`)).toThrow(`job 1 cannot go from "" to "${status}"`)
    expect(rows('select status from jobs')).toEqual([{ status: null }])
    expect(await queue.claim([job])).toBeUndefined()
  })
})

describe('an id that the application sets', () => {
  const table = cases.find(({ id }) => typeof id === 'string')!.table

  it('is required', () => {
    expect(linesOf(table, { file: 'a' })).toEqual(['"id" is missing'])
    expect(linesOf(table, { id: 7, file: 'a' })).toEqual(['id: expected a string, got 7'])
    expect(checkTask(table, { id: 'job-a' })).toEqual([])
  })
})
