import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import { type PostgresOptions, PostgresQueue } from '../../src/queue/postgres/postgres-queue.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { createTaskTable } from './create-task-table.ts'
import type { PostgresAnswer } from './postgres-setup.ts'
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

/** A database with the tables as plugins' migrations would make them. Gone after the test. */
export async function postgresFixture(tables: readonly QueuedTable[]): Promise<PostgresFixture> {
  const template = await templateWith(tables)
  const url = await postgresUrl(template)
  if (template === undefined) await makeTables(url, tables)
  const [raw, queue] = [await connect(url), openQueue(url)]
  const rows = async (text: string) => (await raw.query(text)).rows
  return { url, queue, raw, rows, value: async (text) => Object.values((await rows(text))[0] ?? {})[0] }
}

/** How often tables were asked for, and from the second time on the database that is copied. */
const known = new WeakMap<readonly QueuedTable[], Promise<string> | undefined>()

/** Making the tables takes longer than the copy of a database that has them. Undefined where it is not worth it yet. */
async function templateWith(tables: readonly QueuedTable[]): Promise<string | undefined> {
  if (!known.has(tables)) {
    known.set(tables, undefined)
    return undefined
  }
  let template = known.get(tables)
  if (template === undefined) {
    template = makeTemplate(tables)
    known.set(tables, template)
  }
  return template
}

async function makeTemplate(tables: readonly QueuedTable[]): Promise<string> {
  const name = `template_${randomBytes(6).toString('hex')}`
  const server = serverUrl()
  await asOperator(server, `create database ${name}`)
  await makeTables(server.replace(/postgres$/, name), tables)
  return name
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

/**
 * The URL of a new database on the server of this run. Gone after the test.
 *
 * @param template what it is a copy of
 */
export async function postgresUrl(template = 'template1'): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const server = serverUrl()
  // On a server that does not wait for its disk, a copy of the files takes half the time of one through the log.
  await asOperator(server, `create database ${name} template ${template} strategy file_copy`)
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

function serverUrl(): string {
  if ('missing' in server) throw new Error(server.missing)
  return server.url
}

async function asOperator(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
}
