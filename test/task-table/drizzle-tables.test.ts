import Database from 'better-sqlite3'
import { eq, is, SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { PgDialect, PgTable, getTableConfig as postgresConfig } from 'drizzle-orm/pg-core'
import { SQLiteSyncDialect, SQLiteTable, getTableConfig as sqliteConfig } from 'drizzle-orm/sqlite-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { taskTable } from '../../src/task-table/described-table.ts'
import { SQLITE_NOW } from '../../src/task-table/lifecycle.ts'
import { createTaskTable } from '../support/create-task-table.ts'

const builds = taskTable('builds', (column) => ({ repository: column.text().notNull() }))

const samples = taskTable('samples', (column) => ({
  name: column.text().notNull(),
  ref: column.text().notNull().default('HEAD'),
  itemCount: column.integer().default(3),
  share: column.real(),
  isHot: column.boolean().notNull().default(false),
  result: column.json<{ code: number }>(),
  seenAt: column.timestamp(),
  level: column.enumeration(['low', 'high']).notNull().default('low'),
  buildId: column.reference(() => builds).notNull(),
}))

/** Each column as one line: `name type [not null] [default …]`. */
function describeColumns(
  columns: readonly { name: string; getSQLType(): string; notNull: boolean; default: unknown }[],
  toText: (sql: SQL) => string,
): string[] {
  return columns.map((column) => {
    const value = is(column.default, SQL) ? toText(column.default) : JSON.stringify(column.default)
    return [
      `${column.name} ${column.getSQLType()}`,
      ...(column.notNull ? ['not null'] : []),
      ...(column.default === undefined ? [] : [`default ${value}`]),
    ].join(' ')
  })
}

describe('the Drizzle table for SQLite', () => {
  it('has the names, types and defaults of the description', () => {
    const { name, columns } = sqliteConfig(samples.sqlite)
    const dialect = new SQLiteSyncDialect()
    expect(name).toBe('samples')
    expect(describeColumns(columns, (sql) => dialect.sqlToQuery(sql).sql)).toEqual([
      'id integer not null',
      'status text not null default "pending"',
      `created_at integer not null default ${SQLITE_NOW}`,
      `run_at integer not null default ${SQLITE_NOW}`,
      'attempt integer not null default 0',
      'started_at integer',
      'finished_at integer',
      'error text',
      'progress real',
      'progress_note text',
      'name text not null',
      'ref text not null default "HEAD"',
      'item_count integer default 3',
      'share real',
      'is_hot integer not null default false',
      'result text',
      'seen_at integer',
      'level text not null default "low"',
      'build_id integer not null',
    ])
  })

  it('never reuses an id', () => {
    expect(samples.sqlite.id).toMatchObject({ primary: true, autoIncrement: true })
  })

  it('references the other task table', () => {
    const [reference, ...others] = sqliteConfig(samples.sqlite).foreignKeys.map((key) => key.reference())
    expect(others).toEqual([])
    expect(reference!.columns).toEqual([samples.sqlite.buildId])
    expect(reference!.foreignColumns).toEqual([builds.sqlite.id])
  })

  it('is created once', () => {
    expect(samples.sqlite).toBe(samples.sqlite)
    expect(is(samples.sqlite, SQLiteTable)).toBe(true)
  })
})

describe('the Drizzle table for PostgreSQL', () => {
  it('has the names, types and defaults of the description', () => {
    const { name, columns } = postgresConfig(samples.postgres)
    const dialect = new PgDialect()
    expect(name).toBe('samples')
    expect(describeColumns(columns, (sql) => dialect.sqlToQuery(sql).sql)).toEqual([
      'id bigint not null',
      'status text not null default "pending"',
      'created_at timestamp with time zone not null default now()',
      'run_at timestamp with time zone not null default now()',
      'attempt bigint not null default 0',
      'started_at timestamp with time zone',
      'finished_at timestamp with time zone',
      'error text',
      'progress double precision',
      'progress_note text',
      'name text not null',
      'ref text not null default "HEAD"',
      'item_count bigint default 3',
      'share double precision',
      'is_hot boolean not null default false',
      'result jsonb',
      'seen_at timestamp with time zone',
      'level text not null default "low"',
      'build_id bigint not null',
    ])
  })

  it('never reuses an id', () => {
    expect(samples.postgres.id.primary).toBe(true)
    expect(samples.postgres.id).toMatchObject({ generatedIdentity: { type: 'always' } })
  })

  it('references the other task table', () => {
    const [reference] = postgresConfig(samples.postgres).foreignKeys.map((key) => key.reference())
    expect(reference!.columns).toEqual([samples.postgres.buildId])
    expect(reference!.foreignColumns).toEqual([builds.postgres.id])
    expect(is(samples.postgres, PgTable)).toBe(true)
  })
})

describe('a Drizzle query', () => {
  it('reads back what it wrote, in the described types', () => {
    const client = new Database(':memory:')
    onTestFinished(() => {
      client.close()
    })
    client.exec(`${createTaskTable(builds)}; ${createTaskTable(samples)}`)
    const database = drizzle({ client })
    const build = database.insert(builds.sqlite).values({ repository: 'a' }).returning().get()
    const seenAt = new Date(1_700_000_000_123)
    const values = { name: 'a', share: 0.5, isHot: true, result: { code: 200 }, seenAt, level: 'high' as const }
    const before = Date.now()
    const inserted = database
      .insert(samples.sqlite)
      .values({ ...values, buildId: build.id })
      .returning()
      .get()
    const sample = database.select().from(samples.sqlite).where(eq(samples.sqlite.level, 'high')).get()!
    expect(sample).toEqual(inserted)
    expect(sample).toMatchObject({ ...values, id: 1, buildId: 1, ref: 'HEAD', itemCount: 3 })
    expect(sample).toMatchObject({ status: 'pending', attempt: 0, startedAt: null, progress: null })
    expect(Math.abs(sample.createdAt.getTime() - before)).toBeLessThan(60_000)
  })
})
