/**
 * `node test/bench/claim-cost.ts [largest]`: the cost of settling a run and claiming the next, and of finding the one
 * task that may run behind many waiting ones, with 0, 100,000 and 1,000,000 pending tasks and as many finished ones.
 */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { openQueue } from '../../src/queue/open-queue.ts'
import type { QueuedTable } from '../../src/queue/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { queued } from '../support/queued.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { benchDatabase } from './contenders/bench-database.ts'
import { median, print } from './interleave.ts'

const CLAIMS = 300
const largest = Number(process.argv[2] ?? 1_000_000)
const sizes = [0, 100_000, 1_000_000].filter((size) => size <= largest)

const builds = queued(
  taskTable('builds', (column) => ({ environment: column.text().notNull() })),
  { processor: 'build', exclusivity: { kind: 'column', name: 'environment', column: 'environment' } },
)
const succeeded = { kind: 'succeeded', columns: {} } as const

interface Place {
  readonly url: string
  readonly kind: 'sqlite' | 'postgres'
  readonly run: (sql: string) => Promise<void>
  readonly leave: () => Promise<void>
}

async function inSqlite(): Promise<Place> {
  const folder = makeFolder()
  const file = join(folder, 'ops.db')
  const run = async (sql: string) => {
    const database = new Database(file)
    database.exec(sql)
    database.close()
  }
  return { url: `sqlite:${file}`, kind: 'sqlite', run, leave: async () => removeFolder(folder) }
}

async function inPostgres(server: string): Promise<Place> {
  const { url, drop } = await benchDatabase(server)
  const client = new pg.Client(url)
  await client.connect()
  const leave = async () => {
    await client.end()
    await drop()
  }
  return { url, kind: 'postgres', run: async (sql) => void (await client.query(sql)), leave }
}

async function measure({ url, kind, run, leave }: Place, size: number) {
  const tables: readonly QueuedTable[] = [builds]
  const queue = await openQueue(url, { directory: tmpdir(), synchronous: 'NORMAL' })
  await queue.migrate([], [])
  await run(createTaskTable(builds.table, kind))
  await fill(run, kind, 'finished', size)
  await fill(run, kind, 'busy', size)
  await fill(run, kind, 'free', 2 * CLAIMS)
  if (kind === 'postgres') await run('analyze builds')
  await queue.migrate([], tables)
  await queue.startWorker({ id: 'bench', host: 'bench', pid: process.pid, version: '0' })

  // Every task may run.
  let claim = await queue.claim(tables)
  const drain = await timed(CLAIMS, async () => {
    claim = (await queue.settle(claim!.run, succeeded, tables)).next
  })
  await queue.settle(claim!.run, succeeded)

  // All older tasks wait for one key, and the task that may run is behind them.
  await queue.holds.take('environment:busy', 'bench', undefined)
  const behind = await timed(CLAIMS / 3, async () => {
    const found = await queue.claim(tables)
    await queue.settle(found!.run, succeeded)
  })
  await queue.holds.take('environment:free', 'bench', undefined)
  const nothing = await timed(CLAIMS / 3, async () => {
    if (await queue.claim(tables)) throw new Error('a task was claimed whose key is held')
  })
  await queue.close()
  await leave()
  return {
    database: kind,
    'pending, and finished': size,
    'end and claim, µs': drain,
    'claim and end behind a busy key, µs': behind,
    'nothing may run, µs': nothing,
  }
}

async function fill(run: Place['run'], kind: Place['kind'], what: 'finished' | 'busy' | 'free', count: number) {
  if (count === 0) return
  const status = what === 'finished' ? 'succeeded' : 'pending'
  const values = `'${what}', '${status}'`
  await run(
    kind === 'postgres'
      ? `insert into builds (environment, status) select ${values} from generate_series(1, ${count})`
      : `insert into builds (environment, status) with recursive i (n) as (select 1 union all select n + 1 from i where n < ${count}) select ${values} from i`,
  )
}

/** The median, in microseconds. */
async function timed(times: number, work: () => Promise<void>): Promise<number> {
  const took: number[] = []
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now()
    await work()
    took.push((performance.now() - startedAt) * 1000)
  }
  return median(took)
}

const server = await startPostgres({ durable: true })
const rows = []
try {
  for (const size of sizes) rows.push(await measure(await inSqlite(), size))
  for (const size of sizes) rows.push(await measure(await inPostgres(server.url()), size))
} finally {
  await server.stop()
}
print('The cost of a claim by the number of tasks', rows)
