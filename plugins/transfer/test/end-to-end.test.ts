import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { TestProject } from '../../../test/support/test-project.ts'
import { until } from '../../../test/support/until.ts'
import { unwrapped } from '../../../test/support/unwrapped.ts'
import { PEOPLE, writePeople } from './people-file.ts'

async function projectWith(sql: string): Promise<TestProject> {
  const project = new TestProject()
  project.write(
    'ops.config.json',
    '{ "sqlite": { "synchronous": "NORMAL" }, "plugins": { "transfer": { "folders": ["."], "tables": ["people"] } } }',
  )
  await project.ops('migrate')
  project.database.exec(sql)
  return project
}

const task = (project: TestProject, columns: string) =>
  project.rows(`select ${columns} from imports order by id desc limit 1`)[0] as Record<string, unknown>

describe('on the command line', () => {
  test('paths are relative to the current folder', async () => {
    const project = await projectWith('create table people (id integer primary key, name text)')
    mkdirSync(project.path('sub'))
    project.write('sub/x.csv', 'id,name\n2,Bob\n1,Ada\n')
    project.start('worker')
    const cwd = project.path('sub')
    const into = await project.opsWith(
      { cwd },
      'enqueue',
      'import',
      '--file',
      'x.csv',
      '--target-table',
      'people',
      '--wait',
    )
    expect(into).toMatchObject({ exitCode: 0, stderr: '' })
    expect(into.stdout).toContain('imported 2 rows into people')
    const out = await project.opsWith(
      { cwd },
      'enqueue',
      'export',
      '--source-table',
      'people',
      '--file',
      'y.ndjson.gz',
      '--wait',
    )
    expect(out).toMatchObject({ exitCode: 0 })
    expect(existsSync(project.path('sub/y.ndjson.gz'))).toBe(true)
    project.write('sub/bad.csv', 'id,name\nx,Cyn\n')
    const bad = await project.opsWith(
      { cwd },
      'enqueue',
      'import',
      '--file',
      'bad.csv',
      '--target-table',
      'people',
      '--wait',
    )
    expect(bad).toMatchObject({ exitCode: 1 })
    expect(bad.stdout + bad.stderr).toContain('line 2: "id": expected a 64-bit integer')
  })

  test('invalid values are refused before anything is written', async () => {
    const project = await projectWith('')
    const args = ['--file', 'x', '--target-table', 'people', '--delimiter', 'ab', '--columns', '3']
    const { exitCode, stderr } = await project.ops('enqueue', 'import', ...args)
    expect(exitCode).toBe(2)
    expect(unwrapped(stderr)).toContain('delimiter: expected one character')
    expect(unwrapped(stderr)).toContain(
      'columns: expected {"name in the file": "column of the table"} or a list of columns, got 3',
    )
    const conflict = await project.ops('enqueue', 'import', '--file', 'x', '--target-table', 'y', '--on-conflict', 'no')
    expect(unwrapped(conflict.stderr)).toContain('--on-conflict: expected one of fail, skip, update, got "no"')
  })
})

describe('an import whose worker is killed', () => {
  const ROWS = 30_000
  /** The table has no key, so a second import would be noticed. */
  const moments: [string, (project: TestProject) => boolean][] = [
    ['while it stages rows', (project) => /rows/.test(String(task(project, 'progress_note').progress_note))],
    ['while it writes them', (project) => sizeOf(project.path('.ops/ops.db-wal')) > 1_000_000],
    ['after it has written them', (project) => task(project, 'imported_at').imported_at !== null],
  ]

  test.each(moments)('%s has imported all or nothing, and is completed once', async (_moment, isNow) => {
    const project = await projectWith(PEOPLE)
    project.database.pragma('wal_checkpoint(truncate)')
    writePeople(project.path('people.csv'), ROWS)
    const worker = project.start('worker')
    project.rows(`insert into imports (file, target_table) values ('people.csv', 'people') returning id`)
    while (!isNow(project)) await delay(1)
    await worker.destroy()
    const count = project.value('select count(*) from people')
    expect([0, ROWS]).toContain(count)
    expect(count === ROWS).toBe(task(project, 'imported_at').imported_at !== null)
    expect(await project.ops('worker', '--drain')).toMatchObject({ exitCode: 0 })
    expect(task(project, 'status, row_count, error')).toEqual({ status: 'succeeded', row_count: ROWS, error: null })
    expect(project.value('select count(*) from people')).toBe(ROWS)
    expect(filesBelow(project.path('.ops/work'))).toEqual([])
  })
})

/** More of them: OPS_TRANSFER_KILLS=30 */
const KILLS = Number(process.env.OPS_TRANSFER_KILLS ?? 1)

describe('an import whose worker is killed at any moment', () => {
  test.each(Array.from({ length: KILLS }, (_, index) => Math.round(((index + 0.5) / KILLS) * 1500)))(
    '%i ms after it began',
    async (ms) => {
      const rows = 60_000
      const project = await projectWith(PEOPLE)
      writePeople(project.path('people.csv'), rows)
      const worker = project.start('worker')
      project.rows(`insert into imports (file, target_table) values ('people.csv', 'people') returning id`)
      await until(() => task(project, 'status').status === 'ongoing', 'the import has begun')
      await delay(ms)
      await worker.destroy()
      const count = project.value('select count(*) from people')
      console.log(`killed after ${ms} ms: ${count} rows are in`)
      expect([0, rows]).toContain(count)
      expect(count === rows).toBe(task(project, 'imported_at').imported_at !== null)
      expect(await project.ops('worker', '--drain')).toMatchObject({ exitCode: 0 })
      expect(task(project, 'status, row_count')).toEqual({ status: 'succeeded', row_count: rows })
      expect(project.value('select count(*) from people')).toBe(rows)
      expect(project.value('pragma integrity_check')).toBe('ok')
    },
  )
})

describe('an import that is canceled', () => {
  test('leaves nothing in the table and on the disk', async () => {
    const project = await projectWith(PEOPLE)
    writePeople(project.path('people.csv'), 100_000)
    project.start('worker')
    await project.ops('enqueue', 'import', '--file', 'people.csv', '--target-table', 'people')
    await until(() => task(project, 'status').status === 'ongoing', 'the import has begun')
    expect(await project.ops('tasks', 'cancel', 'import', '1')).toMatchObject({ exitCode: 0 })
    await until(() => task(project, 'status').status === 'canceled', 'the import is canceled')
    expect(project.value('select count(*) from people')).toBe(0)
    expect(filesBelow(project.path('.ops/work'))).toEqual([])
  })
})

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}
