import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { connect, postgresMissing, postgresUrl } from '../../../test/support/postgres-fixture.ts'
import { TestProject } from '../../../test/support/test-project.ts'
import { unless } from '../../../test/support/unless.ts'
import { hasProc, peakMemory } from './peak-memory.ts'
import { PEOPLE, writePeople } from './people-file.ts'

/** For figures: OPS_TRANSFER_ROWS=1000000 */
const ROWS = Number(process.env.OPS_TRANSFER_ROWS ?? 20_000)

async function project() {
  const project = new TestProject()
  const transfer = { folders: ['.'], tables: ['people'] }
  project.write('ops.config.json', JSON.stringify({ plugins: { transfer } }))
  const url = await postgresUrl()
  project.env.OPS_DATABASE_URL = url
  expect(await project.ops('migrate')).toMatchObject({ exitCode: 0 })
  const database = await connect(url)
  await database.query(PEOPLE.replace('joined_at integer', 'joined_at timestamptz'))
  writePeople(project.path('people.csv'), ROWS)
  const row = async (sql: string) => (await database.query(sql)).rows[0]
  const ended = async (table: string) => {
    for (;;) {
      const task = await row(
        `select status, error, row_count, extract(epoch from finished_at - started_at) as seconds from ${table}`,
      )
      if (task.status !== 'pending' && task.status !== 'ongoing') return task
      await delay(20)
    }
  }
  return { project, database, row, ended }
}

const ADD = `insert into imports (file, target_table) values ('people.csv', 'people')`

describe('on PostgreSQL a worker', unless(postgresMissing), () => {
  test('imports and exports in little memory', async () => {
    const { project: at, database, ended, row } = await project()
    const worker = at.start('worker')
    await database.query(ADD)
    const imported = await ended('imports')
    expect(imported).toMatchObject({ status: 'succeeded', error: null, row_count: ROWS })
    await database.query(`insert into exports (source_table, file) values ('people', 'out.ndjson.gz')`)
    const exported = await ended('exports')
    expect(exported).toMatchObject({ status: 'succeeded', row_count: ROWS })
    const memory = peakMemory(worker.pid)
    const rate = ({ seconds }: { seconds: number }) => `${Math.round(ROWS / seconds).toLocaleString('en')} rows/s`
    console.log(
      `PostgreSQL, ${ROWS} rows: import ${rate(imported)}, export to NDJSON and gzip ${rate(exported)}; peak memory ${memory} MB`,
    )
    expect(await row('select count(*)::int n from people')).toEqual({ n: ROWS })
    if (hasProc) expect(memory).toBeLessThan(400)
  })

  test('that is killed has imported nothing, and the next one imports everything', async () => {
    const { project: at, database, ended, row } = await project()
    const worker = at.start('worker')
    await database.query(ADD)
    while (!/rows/.test((await row('select progress_note from imports')).progress_note)) await delay(5)
    await worker.destroy()
    expect(await row('select count(*)::int n from people')).toEqual({ n: 0 })
    at.start('worker')
    expect(await ended('imports')).toMatchObject({ status: 'succeeded', row_count: ROWS })
    expect(await row('select count(*)::int n from people')).toEqual({ n: ROWS })
  })
})
