/**
 * `node test/bench/look-ups.ts [tasks]`: what the commands, a worker's start and its steps read of a database with that many
 * finished tasks, and the indexes that they use.
 */

import { statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { openQueue } from '../../src/queue/open-queue.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { addWaiting, historyToLookAt, lookUps, lookUpTables } from '../support/look-ups.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { type Access, accessesInPostgres, accessesInSqlite } from '../support/recorded-plans.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { benchDatabase } from './contenders/bench-database.ts'
import { median, print } from './interleave.ts'

const finished = Number(process.argv[2] ?? 3_000_000)
const TIMES = 5

interface Place {
  readonly queue: Queue
  readonly run: (sql: string) => Promise<void>
  /** Of all that is kept. */
  readonly bytes: () => Promise<number>
  readonly accesses: (look: () => Promise<unknown>) => Promise<Access[]>
  readonly close: () => Promise<void>
}

async function inSqlite(): Promise<Place> {
  const folder = makeFolder()
  const file = join(folder, 'ops.db')
  const run = async (sql: string) => {
    const database = new Database(file)
    database.pragma('synchronous = off')
    database.exec(sql)
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
  }
  const queue = await openQueue(`sqlite:${file}`, { directory: folder, synchronous: 'NORMAL' })
  return {
    ...{ queue, run, bytes: async () => statSync(file).size, close: async () => removeFolder(folder) },
    accesses: (look) => accessesInSqlite(file, look),
  }
}

async function inPostgres(server: string): Promise<Place> {
  const { url, drop } = await benchDatabase(server)
  const client = new pg.Client(url)
  await client.connect()
  const close = async () => {
    await client.end()
    await drop()
  }
  const bytes = async () =>
    Number((await client.query('select pg_database_size(current_database()) as size')).rows[0].size)
  const queue = await openQueue(url, { directory: '/', synchronous: 'NORMAL' })
  return {
    ...{ queue, run: async (sql) => void (await client.query(sql)), bytes, close },
    accesses: (look) => accessesInPostgres(url, look),
  }
}

async function fill({ queue, run, bytes }: Place, kind: 'sqlite' | 'postgres'): Promise<number> {
  await queue.migrate([], [])
  for (const { table } of lookUpTables) await run(createTaskTable(table, kind))
  const empty = await bytes()
  for (const statement of historyToLookAt(finished, kind)) await run(statement)
  await queue.migrate([], lookUpTables)
  await run(kind === 'postgres' ? 'vacuum analyze' : 'select 1')
  const perTask = ((await bytes()) - empty) / (finished + 1000)
  await addWaiting(queue, 2000)
  await queue.startWorker({ id: 'bench', host: 'bench', pid: process.pid, version: '0' })
  return perTask
}

async function measure(place: Place) {
  const found = new Map<string, { ms: number; indexes: string }>()
  for (const [name, look] of Object.entries(lookUps(place.queue, finished))) {
    const took: number[] = []
    const accesses = await place.accesses(look)
    for (let time = 0; time < TIMES; time += 1) {
      const startedAt = performance.now()
      await look()
      took.push(performance.now() - startedAt)
    }
    found.set(name, {
      ms: median(took),
      indexes: accesses.map(({ read, rows }) => `${read}${rows === undefined ? '' : ` ${rows}`}`).join(', '),
    })
  }
  await place.queue.close()
  return found
}

const server = await startPostgres({ durable: true })
try {
  const sqlite = await inSqlite()
  const postgres = await inPostgres(server.url())
  const bytes = [await fill(sqlite, 'sqlite'), await fill(postgres, 'postgres')]
  const [ofSqlite, ofPostgres] = [await measure(sqlite), await measure(postgres)]
  print(
    `Look-ups at ${finished} finished tasks, milliseconds`,
    Array.from(ofSqlite, ([name, { ms, indexes }]) => ({
      'look-up': name,
      SQLite: ms,
      PostgreSQL: ofPostgres.get(name)!.ms,
      'indexes on SQLite': indexes,
      'on PostgreSQL': ofPostgres.get(name)!.indexes,
    })),
  )
  print('Bytes a finished task', [{ SQLite: bytes[0], PostgreSQL: bytes[1] }])
  await sqlite.close()
  await postgres.close()
} finally {
  await server.stop()
}
