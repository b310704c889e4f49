import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import { hasProc, peakMemory } from './peak-memory.ts'
import { PEOPLE, writePeople } from './people-file.ts'

/** A million takes a minute: OPS_TRANSFER_ROWS=1000000 npx vitest run plugins/transfer/test/large.test.ts */
const ROWS = Number(process.env.OPS_TRANSFER_ROWS ?? 60_000)

test(`${ROWS} rows are imported and exported in little memory, while others can write`, async () => {
  const project = new TestProject()
  project.write('ops.config.json', '{ "plugins": { "transfer": { "folders": ["."], "tables": ["people"] } } }')
  await project.ops('migrate')
  project.database.exec(`${PEOPLE}; create table notes (at integer)`)
  writePeople(project.path('people.csv'), ROWS)
  const worker = project.start('worker')
  await worker.event('polling')
  const before = peakMemory(worker.pid)
  const others = writeMeanwhile(project.path('.ops/ops.db'))
  const imported = await performed(
    project,
    'imports',
    `insert into imports (file, target_table) values ('people.csv', 'people')`,
  )
  const waits = await others.stop()
  const afterImport = peakMemory(worker.pid)
  const exported = await performed(
    project,
    'exports',
    `insert into exports (source_table, file) values ('people', 'out.csv')`,
  )
  const afterExport = peakMemory(worker.pid)
  const log = project.read('.ops/logs/imports/1.1.log')
  const transaction = /the transaction took (.*)/.exec(log)?.[1]
  console.log(
    `${ROWS} rows: import ${rate(imported)}, its transaction ${transaction}; longest wait of another writer ${Math.round(Math.max(...waits))} ms ` +
      `of ${waits.length} writes; export ${rate(exported)}; peak memory ${before} MB idle, ${afterImport} MB import, ${afterExport} MB export`,
  )
  expect(project.value('select count(*) from people')).toBe(ROWS)
  expect(project.read('out.csv').split('\n')).toHaveLength(ROWS + 2)
  // Three million rows need no more memory than one million; the rest is garbage that was not collected yet.
  if (hasProc) expect(afterExport - before).toBeLessThan(350)
})

/** Milliseconds that a task took. */
async function performed(project: TestProject, table: string, sql: string): Promise<number> {
  project.database.exec(sql)
  for (;;) {
    const [row] = project.rows<{ status: string; error: string; ms: number }>(
      `select status, error, finished_at - started_at as ms from ${table}`,
    )
    if (row!.status === 'succeeded') return row!.ms
    if (row!.status === 'failed') throw new Error(row!.error)
    await delay(20)
  }
}

function rate(milliseconds: number): string {
  return `${Math.round(ROWS / (milliseconds / 1000)).toLocaleString('en')} rows/s`
}

/** Writes a row every few milliseconds, with the usual busy timeout. */
function writeMeanwhile(file: string) {
  const database = new Database(file, { timeout: 5000 })
  const insert = database.prepare('insert into notes values (?)')
  const waits: number[] = []
  let isStopped = false
  const loop = (async () => {
    while (!isStopped) {
      const began = performance.now()
      insert.run(began)
      waits.push(performance.now() - began)
      await delay(5)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await loop
      database.close()
      return waits
    },
  }
}
