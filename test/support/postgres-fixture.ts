import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { PostgresQueue } from '../../src/queue/postgres/queue.ts'
import type { PostgresOptions } from '../../src/queue/postgres/worker-lock.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { createTaskTable } from './create-task-table.ts'
import { type EmptyState, isEmptied, readEmptyState } from './emptied-postgres.ts'
import type { PostgresAnswer } from './postgres-setup.ts'
import { keyOf } from './tables-key.ts'
import type { DatabaseKind } from './test-database.ts'

const server = (await (await fetch(inject('postgresDesk'))).json()) as PostgresAnswer

/** Why there is no PostgreSQL here, or undefined. */
export const postgresMissing: string | undefined = 'missing' in server ? server.missing : undefined

/** As the other databases that tests run on. */
export const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  missing: postgresMissing,
  urlIn: () => postgresUrl(),
}

export interface PostgresFixture {
  readonly url: string
  readonly queue: PostgresQueue
  /** A connection that is not ops'. */
  readonly raw: pg.Client
  rows(text: string): Promise<Record<string, unknown>[]>
  value(text: string): Promise<unknown>
}

/**
 * A database with the tables as plugins' migrations would make them. After the test it is emptied, for the next one.
 *
 * @param more SQL that makes what the application has beside them
 */
export async function postgresFixture(tables: readonly QueuedTable[], more = ''): Promise<PostgresFixture> {
  const key = `${keyOf(tables)} ${more}`
  const index = idle.findIndex((one) => one.key === key)
  const database = index < 0 ? await makeDatabase(key, tables, more) : idle.splice(index, 1)[0]!
  const { url, raw } = database
  onTestFinished(() => putBack(database))
  const queue = openQueue(url)
  const rows = async (text: string) => (await raw.query(text)).rows
  return { url, queue, raw, rows, value: async (text) => Object.values((await rows(text))[0] ?? {})[0] }
}

interface PostgresDatabase extends EmptyState {
  readonly key: string
  readonly name: string
  readonly url: string
  readonly raw: pg.Client
}

/** Databases whose tests are over, the latest last. */
const idle: PostgresDatabase[] = []

/** Each has a connection, of which a server has so many. */
const MOST_IDLE = 6

async function makeDatabase(key: string, tables: readonly QueuedTable[], more: string): Promise<PostgresDatabase> {
  const { name, url } = await createDatabase()
  await makeTables(url, tables)
  const raw = await connectWith(url)
  if (more !== '') await raw.query(more)
  return { key, name, url, raw, ...(await readEmptyState(raw)) }
}

/** A test may have changed more than rows, or have left somebody behind: then its database is of no further use. */
async function putBack(database: PostgresDatabase): Promise<void> {
  if (await isEmptied(database.raw, database).catch(() => false)) {
    idle.push(database)
    if (idle.length > MOST_IDLE) await discard(idle.shift()!)
  } else await discard(database)
}

async function discard({ name, raw }: PostgresDatabase): Promise<void> {
  await raw.end().catch(() => {})
  await dropDatabase(name)
}

async function makeTables(url: string, tables: readonly QueuedTable[]): Promise<void> {
  const raw = new pg.Client(url)
  const queue = new PostgresQueue(url)
  await raw.connect()
  try {
    for (const { table } of tables) await raw.query(createTaskTable(table, 'postgres'))
    await queue.migrate([], tables)
  } finally {
    await queue.close()
    await raw.end()
  }
}

/** The URL of a new and empty database on the server of this run. Gone after the test. */
export async function postgresUrl(): Promise<string> {
  const { name, url } = await createDatabase()
  onTestFinished(() => dropDatabase(name))
  return url
}

/** An empty database for several tests: who makes it drops it. */
export async function createDatabase(): Promise<{ name: string; url: string }> {
  const name = `test_${randomBytes(6).toString('hex')}`
  // On a server that does not wait for its disk, a copy of the files takes half the time of one through the log.
  const strategy = (await version()) < 150_000 ? '' : 'strategy file_copy'
  await asOperator(`create database ${name} ${strategy}`)
  return { name, url: serverUrl().replace(/postgres$/, name) }
}

export async function dropDatabase(name: string): Promise<void> {
  await asOperator(`drop database ${name} with (force)`)
}

/** A queue that is closed after the test. */
export function openQueue(url: string, options?: PostgresOptions): PostgresQueue {
  const queue = new PostgresQueue(url, options)
  onTestFinished(() => queue.close())
  return queue
}

/** A connection that is not ops', which has whole numbers where JavaScript can hold them. */
export async function connect(url: string): Promise<pg.Client> {
  const client = await connectWith(url)
  onTestFinished(() => client.end())
  return client
}

async function connectWith(url: string): Promise<pg.Client> {
  const getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
  const client = new pg.Client({ connectionString: url, types: { getTypeParser } })
  // Its database may be dropped, or its server restarted, under it.
  client.on('error', () => {})
  await client.connect()
  return client
}

function serverUrl(): string {
  if ('missing' in server) throw new Error(server.missing)
  return server.url
}

let operator: pg.Client | undefined
let serverVersion: number | undefined

async function version(): Promise<number> {
  operator ??= await connectWith(serverUrl())
  const ask = async () => (await operator!.query('show server_version_num')).rows[0].server_version_num
  serverVersion ??= Number(await ask())
  return serverVersion
}

/** By a connection that stays: its making takes longer than most of what it is used for. */
async function asOperator(sql: string): Promise<void> {
  operator ??= await connectWith(serverUrl())
  await operator.query(sql)
}
