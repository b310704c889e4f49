import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { type PostgresOptions, PostgresQueue } from '../../src/queue/postgres/postgres-queue.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { createTaskTable } from './create-task-table.ts'
import { postgresMissing } from './postgres-server.ts'

export { postgresMissing }

/** The title of tests that need PostgreSQL, with the reason where they are skipped. */
export function onPostgres(title: string): string {
  return postgresMissing === undefined ? title : `${title} (skipped: ${postgresMissing})`
}

export interface PostgresFixture {
  readonly url: string
  readonly queue: PostgresQueue
  /** A connection that is not ops'. */
  readonly raw: pg.Client
  rows(text: string): Promise<Record<string, unknown>[]>
  value(text: string): Promise<unknown>
}

/** A database with the tables as plugins' migrations would make them. Gone after the test. */
export async function postgresFixture(tables: readonly QueuedTable[]): Promise<PostgresFixture> {
  const url = await postgresUrl()
  const raw = await connect(url)
  for (const { table } of tables) await raw.query(createTaskTable(table, 'postgres'))
  const queue = openQueue(url)
  await queue.migrate([], tables)
  const rows = async (text: string) => (await raw.query(text)).rows
  return { url, queue, raw, rows, value: async (text) => Object.values((await rows(text))[0] ?? {})[0] }
}

/** The URL of an empty database on the server of this run. Gone after the test. */
export async function postgresUrl(): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const server = await serverUrl()
  await asOperator(server, `create database ${name}`)
  onTestFinished(() => asOperator(server, `drop database ${name} with (force)`))
  return server.replace(/postgres$/, name)
}

/** A queue that is closed after the test. */
export function openQueue(url: string, options?: PostgresOptions): PostgresQueue {
  const queue = new PostgresQueue(url, options)
  onTestFinished(() => queue.close())
  return queue
}

/** A connection that is not ops', which has whole numbers where JavaScript can hold them. */
export async function connect(url: string): Promise<pg.Client> {
  const getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
  const client = new pg.Client({ connectionString: url, types: { getTypeParser } })
  // Its database may be dropped, or its server restarted, under it.
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

async function serverUrl(): Promise<string> {
  const answer = await (await fetch(`http://127.0.0.1:${inject('postgresPort')}`)).text()
  if (!/^\d+$/.test(answer)) throw new Error(answer)
  return `postgres://postgres:secret@127.0.0.1:${answer}/postgres`
}

async function asOperator(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
}
