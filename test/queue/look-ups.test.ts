import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQueue } from '../../src/queue/open-queue.ts'
import type { Queue } from '../../src/queue/queue.ts'
import type { Status } from '../../src/task/lifecycle.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { addWaiting, historyToLookAt, lookUps, lookUpTables } from '../support/look-ups.ts'
import { createDatabase, dropDatabase, postgresMissing } from '../support/postgres-fixture.ts'
import { type Access, accessesInPostgres, accessesInSqlite } from '../support/recorded-plans.ts'
import { makeFolder, removeFolder } from '../support/temporary-folder.ts'
import { unless } from '../support/unless.ts'

const FINISHED = 30_000
const MOST_ROWS = 10_000

/** Reading a table that grows, not by an index. `f` is `ops_runs` or `ops_ends`. */
const GROWING = /^(deployments|imports|ops_runs|ops_events|ops_runs_of_task|f) in the order of /

/** Whose statements have a limit. */
const LISTS = /^(tasks|tasks --.*|audit.*|doctor: the database)$/

const INDEXES: Readonly<Record<string, string>> = {
  'tasks --status ongoing': 'ops_deployments_due',
  'tasks --status failed': 'ops_deployments_by_status',
  'tasks --status canceled': 'ops_deployments_by_status',
}

const STATUSES: { statuses: Status[] }[] = [
  { statuses: [] },
  { statuses: ['failed'] },
  { statuses: ['canceled', 'ongoing'] },
  { statuses: ['succeeded', 'failed'] },
  { statuses: ['failed', 'pending'] },
]

async function expectNewest(queue: Queue, statuses: readonly Status[], ids: (sql: string) => Promise<unknown[]>) {
  const { table } = lookUpTables[1]!
  const where = statuses.length > 0 ? `where status in (${statuses.map((one) => `'${one}'`).join(', ')})` : ''
  // More than are near the end of the table.
  for (const limit of [5, 2500]) {
    const expected = await ids(`select id from deployments ${where} order by id desc limit ${limit}`)
    const found = await queue.records.tasks(table, { statuses, limit })
    expect(found.map(({ id }) => id)).toEqual(expected)
  }
}

/** Those that must look through all that is there, if there is no entry of the table. */
const UNBOUNDED = ['audit --table imports', 'audit --table none', 'audit -f --table imports, a page']

const names = Object.keys(lookUps({} as Queue, FINISHED)).filter((name) => !UNBOUNDED.includes(name))

async function fill(queue: Queue, kind: 'sqlite' | 'postgres', run: (sql: string) => Promise<unknown>): Promise<void> {
  await queue.migrate([], [])
  for (const { table } of lookUpTables) await run(createTaskTable(table, kind))
  if (kind === 'postgres') {
    // What the planner knows changes by the tests alone.
    for (const name of ['ops_runs', 'ops_events', ...lookUpTables.map(({ table }) => table.name)])
      await run(`alter table ${name} set (autovacuum_enabled = false)`)
  }
  for (const statement of historyToLookAt(FINISHED, kind)) await run(statement)
  await queue.migrate([], lookUpTables)
  await addWaiting(queue, 1000)
  await queue.startWorker({ id: 'one', host: 'here', pid: process.pid, version: '0' })
}

describe(`what is read of a SQLite file with ${FINISHED} finished tasks`, () => {
  let folder: string
  let file: string
  let queue: Queue

  beforeAll(async () => {
    folder = makeFolder()
    file = join(folder, 'ops.db')
    queue = await openQueue(`sqlite:${file}`, { directory: folder, synchronous: 'NORMAL' })
    const run = async (sql: string) => {
      const database = new Database(file)
      database.pragma('synchronous = off')
      database.exec(sql)
      database.close()
    }
    await fill(queue, 'sqlite', run)
  })
  afterAll(async () => {
    await queue.close()
    removeFolder(folder)
  })

  it.each(names)('for %s is found by indexes', async (name) => {
    const accesses = await accessesInSqlite(file, lookUps(queue, FINISHED)[name]!)
    const scans = accesses.filter(({ read }) => GROWING.test(read)).map(({ read }) => read)
    // Those of a list end at its limit, and are in its order.
    if (!LISTS.test(name)) expect(scans).toEqual([])
    for (const scan of scans) expect(scan).toMatch(/ in the order of its key$/)
    const index = INDEXES[name]
    if (index !== undefined) expect(accesses.map(({ read }) => read)).toContain(`deployments by ${index}`)
  })

  it.each(STATUSES)('lists the newest of $statuses', async ({ statuses }) => {
    await expectNewest(queue, statuses, async (sql) => {
      const database = new Database(file)
      const ids = database.prepare(sql).pluck().all()
      database.close()
      return ids
    })
  })
})

describe(`what is read of a PostgreSQL database with ${FINISHED} finished tasks`, unless(postgresMissing), () => {
  let name: string
  let url: string
  let queue: Queue
  let raw: pg.Client

  beforeAll(async () => {
    const made = await createDatabase()
    ;({ name, url } = made)
    raw = new pg.Client(url)
    await raw.connect()
    queue = await openQueue(url, { directory: '/', synchronous: 'NORMAL' })
    await fill(queue, 'postgres', (sql) => raw.query(sql))
  })
  afterAll(async () => {
    await queue?.close()
    await raw?.end()
    await dropDatabase(name)
  })

  it.each(STATUSES)('lists the newest of $statuses', async ({ statuses }) => {
    await expectNewest(queue, statuses, async (sql) => (await raw.query(sql)).rows.map(({ id }) => Number(id)))
  })

  describe.each(['before', 'after'])('%s ANALYZE', (when) => {
    beforeAll(async () => {
      if (when === 'after') await raw.query('vacuum analyze')
    })

    it.each(names)('for %s is found by indexes', async (look) => {
      const accesses = await accessesInPostgres(url, lookUps(queue, FINISHED)[look]!)
      expect(accesses.filter(isMuch)).toEqual([])
    })
  })
})

function isMuch({ read, rows }: Access): boolean {
  return rows! > MOST_ROWS || (read.endsWith(' whole') && !['ops_open whole', 'ops_sequence whole'].includes(read))
}
