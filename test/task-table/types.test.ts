/** Checked by `tsc`: the compiler must refuse each line after `@ts-expect-error`. */

import type Database from 'better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import {
  defineProcessor,
  type EnqueuedTask,
  enqueue,
  existingTable,
  type Status,
  type TaskContext,
  type TaskTable,
  taskTable,
} from '../../src/index.ts'

const builds = taskTable('builds', (column) => ({
  repository: column.text().notNull(),
  ref: column.text().notNull().default('HEAD'),
  revision: column.text(),
  artifact: column.text().result().describe('what came out'),
  count: column.integer().notNull().default(0).result(),
  size: column.integer().default(0),
  environment: column.enumeration(['staging', 'production']).notNull(),
  result: column.json<{ code: number }>(),
  seenAt: column.timestamp(),
  isHot: column.boolean(),
  parentId: column.reference((): TaskTable => builds),
}))

const orders = existingTable({
  sqlite: sqliteTable('orders', {
    id: text('id').primaryKey(),
    status: text('status').notNull().default('pending'),
    created_at: integer('created_at', { mode: 'timestamp_ms' }).notNull(),
    price: integer('price'),
  }),
})

type Build = (typeof builds)['$inferSelect']
type NewBuild = (typeof builds)['$inferInsert']

describe('the types of a task', () => {
  it('are those of its columns, with null unless a column is not null', () => {
    expectTypeOf<Build['repository']>().toEqualTypeOf<string>()
    expectTypeOf<Build['ref']>().toEqualTypeOf<string>()
    expectTypeOf<Build['revision']>().toEqualTypeOf<string | null>()
    expectTypeOf<Build['size']>().toEqualTypeOf<number | null>()
    expectTypeOf<Build['environment']>().toEqualTypeOf<'staging' | 'production'>()
    expectTypeOf<Build['result']>().toEqualTypeOf<{ code: number } | null>()
    expectTypeOf<Build['seenAt']>().toEqualTypeOf<Date | null>()
    expectTypeOf<Build['isHot']>().toEqualTypeOf<boolean | null>()
    expectTypeOf<Build['parentId']>().toEqualTypeOf<number | null>()
  })

  it('include results for the processor, but not for a new task', () => {
    expectTypeOf<Build['artifact']>().toEqualTypeOf<string | null>()
    expectTypeOf<Build['count']>().toEqualTypeOf<number>()
    expectTypeOf<(typeof builds)['$inferOwn']['count']>().toEqualTypeOf<number>()
    expectTypeOf<Extract<keyof NewBuild, 'artifact' | 'count'>>().toEqualTypeOf<never>()
  })

  it('include the lifecycle columns', () => {
    expectTypeOf<Build['id']>().toEqualTypeOf<number>()
    expectTypeOf<Build['status']>().toEqualTypeOf<Status>()
    expectTypeOf<Build['runAt']>().toEqualTypeOf<Date>()
    expectTypeOf<Build['error']>().toEqualTypeOf<string | null>()
    expectTypeOf<Build['progress']>().toEqualTypeOf<number | null>()
  })

  it('make columns with a default or null optional in an insert', () => {
    expectTypeOf<{ repository: string; environment: 'staging' }>().toExtend<NewBuild>()
    expectTypeOf<{ environment: 'staging' }>().not.toExtend<NewBuild>()
    expectTypeOf<{ repository: string; environment: 'test' }>().not.toExtend<NewBuild>()
    expectTypeOf<NewBuild['ref']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<NewBuild['revision']>().toEqualTypeOf<string | null | undefined>()
    expectTypeOf<keyof NewBuild>().toEqualTypeOf<
      'repository' | 'ref' | 'revision' | 'size' | 'environment' | 'result' | 'seenAt' | 'isHot' | 'parentId'
    >()
  })

  it('are those of the Drizzle tables', () => {
    type Row = (typeof builds.sqlite)['$inferSelect']
    expectTypeOf<Row>().toEqualTypeOf<(typeof builds.postgres)['$inferSelect']>()
    expectTypeOf<Row['revision']>().toEqualTypeOf<string | null>()
    expectTypeOf<Row['environment']>().toEqualTypeOf<'staging' | 'production'>()
    expectTypeOf<Row['status']>().toEqualTypeOf<Status>()
    expectTypeOf<Row['finishedAt']>().toEqualTypeOf<Date | null>()
    type NewRow = (typeof builds.sqlite)['$inferInsert']
    expectTypeOf<{ repository: string; environment: 'staging' }>().toExtend<NewRow>()
    expectTypeOf<{ environment: 'staging' }>().not.toExtend<NewRow>()
  })

  it('are those of the Drizzle table for an existing table', () => {
    expectTypeOf(orders.$inferSelect).toEqualTypeOf<{
      id: string
      status: string
      created_at: Date
      price: number | null
    }>()
    expectTypeOf<{ id: string; created_at: Date }>().toExtend<typeof orders.$inferInsert>()
    expectTypeOf<{ created_at: Date }>().not.toExtend<typeof orders.$inferInsert>()
  })
})

describe('the types of columns', () => {
  it('refuse a default of the wrong type', () => {
    taskTable('samples', (column) => ({
      text: column.text().default('a'),
      // @ts-expect-error a number is not a string
      wrongText: column.text().default(1),
      level: column.enumeration(['low', 'high']).default('low'),
      // @ts-expect-error not one of the values
      wrongLevel: column.enumeration(['low', 'high']).default('middle'),
      at: column.timestamp().default(new Date()),
      // @ts-expect-error an instant is a Date
      wrongAt: column.timestamp().default(1),
    }))
  })
})

describe('the types of enqueue', () => {
  it('accept the types of the columns and nothing else', () => {
    const compiled = (database: Database.Database) => {
      const one = enqueue(database, builds, { repository: 'a', environment: 'staging' })
      expectTypeOf(one).toEqualTypeOf<EnqueuedTask<number>>()
      const many = enqueue(database, builds, [{ repository: 'a', environment: 'staging' }])
      expectTypeOf(many).toEqualTypeOf<EnqueuedTask<number>[]>()
      expectTypeOf(enqueue(database, orders, { id: 'a', created_at: new Date() }).id).toEqualTypeOf<string>()
      enqueue(database, builds, { repository: 'a', environment: 'staging', revision: null, seenAt: new Date() })
      // @ts-expect-error "repository" is missing
      enqueue(database, builds, { environment: 'staging' })
      // @ts-expect-error "ref" is a string
      enqueue(database, builds, { repository: 'a', environment: 'staging', ref: 1 })
      // @ts-expect-error no column "branch"
      enqueue(database, builds, { repository: 'a', environment: 'staging', branch: 'main' })
      // @ts-expect-error not one of the values
      enqueue(database, builds, { repository: 'a', environment: 'test' })
      // @ts-expect-error "status" is set by ops
      enqueue(database, builds, { repository: 'a', environment: 'staging', status: 'ongoing' })
      // @ts-expect-error "ref" is a string, also in an array
      enqueue(database, builds, [{ repository: 'a', environment: 'staging', ref: 1 }])
      enqueue(database, orders, { id: 'a', created_at: new Date(), price: 1 })
      // @ts-expect-error "price" is a number
      enqueue(database, orders, { id: 'a', created_at: new Date(), price: '1' })
    }
    expectTypeOf(compiled).toBeFunction()
  })
})

describe('the types of a processor', () => {
  it('describe the task and the context', () => {
    defineProcessor({
      name: 'build',
      table: builds,
      async perform(task, context) {
        expectTypeOf(task).toEqualTypeOf<Build>()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(await context.find(orders, 'a')).toEqualTypeOf<typeof orders.$inferSelect | undefined>()
        // @ts-expect-error its ids are strings
        await context.find(orders, 1)
        const added = await context.enqueue(
          orders,
          { id: 'a', created_at: new Date() },
          { runAt: new Date(), now: true },
        )
        expectTypeOf(added).toEqualTypeOf<EnqueuedTask<string>>()
        expectTypeOf(await context.enqueue(builds, [])).toEqualTypeOf<EnqueuedTask<number>[]>()
        // @ts-expect-error "price" is a number
        await context.enqueue(orders, { id: 'a', created_at: new Date(), price: '1' })
        // @ts-expect-error no such column
        task.branch
      },
    })
  })

  it('allow perform to return some of the own columns, or nothing', () => {
    const build = { name: 'build', table: builds } as const
    defineProcessor({ ...build, perform: async () => ({ revision: 'abc', size: 1 }) })
    defineProcessor({ ...build, perform: () => ({ revision: null }) })
    defineProcessor({ ...build, perform: async () => {} })
    defineProcessor({ ...build, perform: () => undefined })
    defineProcessor({ ...build, perform: async ({ revision }) => (revision ? { revision } : undefined) })
    // @ts-expect-error "revision" is a string
    defineProcessor({ ...build, perform: async () => ({ revision: 1 }) })
    // @ts-expect-error "ref" cannot be null
    defineProcessor({ ...build, perform: async () => ({ ref: null }) })
    // @ts-expect-error a string is not a set of columns
    defineProcessor({ ...build, perform: async () => 'abc' })
  })

  it('refuse an unknown column in the result of perform', () => {
    defineProcessor({
      name: 'build',
      table: builds,
      // @ts-expect-error no column "branch"
      perform: async () => ({ branch: 'main' }),
    })
    defineProcessor({
      name: 'build',
      table: builds,
      // @ts-expect-error "status" is set by ops
      perform: async () => ({ status: 'succeeded' as const }),
    })
  })

  it('restrict exclusiveBy to own columns', () => {
    const perform = async () => {}
    defineProcessor({ name: 'build', table: builds, exclusiveBy: 'environment', perform })
    defineProcessor({ name: 'order', table: orders, exclusiveBy: 'price', perform })
    defineProcessor({ name: 'order', table: orders, exclusiveBy: { key: 'amount', column: 'price' }, perform })
    const wrong = { key: 'environment', column: 'branch' } as const
    // @ts-expect-error no column "branch"
    expectTypeOf(() => defineProcessor({ name: 'build', table: builds, exclusiveBy: wrong, perform })).toBeFunction()
    // @ts-expect-error no column "branch"
    const unknown = () => defineProcessor({ name: 'build', table: builds, exclusiveBy: 'branch', perform })
    // @ts-expect-error "status" is not the table's own
    defineProcessor({ name: 'build', table: builds, exclusiveBy: 'status', perform })
    expectTypeOf(unknown).toBeFunction()
  })

  it('derive the settings from their schema', () => {
    const settings = v.object({
      parallel: v.optional(v.boolean(), false),
      limit: v.optional(v.pipe(v.string(), v.transform(Number))),
    })
    interface Settings {
      parallel: boolean
      limit?: number | undefined
    }
    defineProcessor({
      name: 'build',
      table: builds,
      settings,
      exclusive: ({ parallel }) => !parallel,
      timeout: (given) => {
        expectTypeOf(given).toExtend<Settings>()
        // @ts-expect-error no such setting
        return given.timeout
      },
      async perform(_, context) {
        expectTypeOf(context).toExtend<TaskContext<Settings>>()
        expectTypeOf(context.settings.parallel).toEqualTypeOf<boolean>()
        expectTypeOf(context.settings.limit).toEqualTypeOf<number | undefined>()
        // @ts-expect-error no such setting
        context.settings.unknown
      },
    })
  })
})
