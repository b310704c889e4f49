import { existsSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { defineProcessor, taskTable } from '../../src/index.ts'
import { connect, postgresMissing, postgresUrl } from '../support/postgres-fixture.ts'
import { TestProject } from '../support/test-project.ts'
import { unless } from '../support/unless.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({
  size: column.enumeration(['small', 'large']),
  labels: column.json(),
  takenAt: column.timestamp(),
  weight: column.real(),
  pieces: column.integer(),
  isFragile: column.boolean(),
  title: column.text(),
}))

describe.each(workerDatabases)('a row on $name that does not fit its description', ({ name, missing, with: open }) => {
  const performed: unknown[] = []
  const note = defineProcessor({
    name: 'note',
    table: notes,
    retry: { attempts: 3 },
    input: v.looseObject({ title: v.optional(v.pipe(v.string(), v.regex(/^\w+$/, 'expected a word'))) }),
    perform: (task) => void performed.push(task.title),
  })

  /** The errors of rows that are written as any client of the database can. */
  async function errorsOf(...values: string[]): Promise<unknown[]> {
    const fixture = await open([note])
    // As where the table was made before it had constraints.
    for (const value of values) await fixture.sql(`insert into notes ${value}`)
    performed.length = 0
    await new WorkerHere(fixture).work({ drain: true })
    return (await fixture.sql('select status, error, attempt from notes order by id')).map(
      ({ status, error, attempt }) => [status, Number(attempt), error],
    )
  }

  it('fails with a sentence that names the column, is not retried, and stops nothing', unless(missing), async () => {
    const errors = await errorsOf(
      `(size) values ('../../uploads/cat.js?')`,
      `(title) values ('two words')`,
      `(title) values ('fine')`,
    )
    expect(errors).toEqual([
      ['failed', 1, '"size": expected one of small, large, got "../../uploads/cat.js?"'],
      ['failed', 1, '"title": expected a word'],
      ['succeeded', 1, null],
    ])
    expect(performed).toEqual(['fine'])
  })

  it('fails for what only SQLite stores', unless(name === 'SQLite' ? undefined : 'PostgreSQL has types'), async () => {
    const errors = await errorsOf(
      `(labels) values ('{"a"')`,
      `(taken_at) values ('yesterday')`,
      `(weight) values ('heavy')`,
      `(pieces) values ('many')`,
      `(pieces) values (1.5)`,
      `(title) values (x'00ff')`,
    )
    expect(errors.map((row) => (row as unknown[])[2])).toEqual([
      '"labels": expected JSON, got "{\\"a\\""',
      '"taken_at": expected a date and time, got an invalid one',
      '"weight": expected a number, got "heavy"',
      '"pieces": expected a whole number, got "many"',
      '"pieces": expected a whole number, got 1.5',
      expect.stringMatching(/^"title": expected a string, got /),
    ])
    expect(performed).toEqual([])
  })
})

describe('a table that ops generates', () => {
  it.each([
    `insert into imports (file, target_table, format) values ('a', 'b', 'cat.js')`,
    `insert into imports (file, target_table, columns) values ('a', 'b', '{"a"')`,
    `insert into imports (file, target_table, run_at) values ('a', 'b', 'soon')`,
    `insert into commands (command, env) values ('a', '${'['.repeat(200_000)}')`,
  ])('refuses what is not of its type: %.80s', async (sql) => {
    const project = TestProject.withConfig({ plugins: { exec: {}, transfer: {} } })
    await project.ops('migrate')
    expect(() => project.database.exec(sql)).toThrow(/CHECK constraint failed: /)
  })

  it('refuses it on PostgreSQL too', unless(postgresMissing), async () => {
    const url = await postgresUrl()
    const project = TestProject.withConfig({ database: url, plugins: { transfer: {} } })
    await project.ops('migrate')
    const database = await connect(url)
    for (const values of [`'cat.js', now()`, `'csv', 'infinity'`]) {
      const sql = `insert into imports (file, target_table, format, run_at) values ('a', 'b', ${values})`
      await expect(database.query(sql)).rejects.toThrow('violates check constraint')
    }
  })
})

describe('a row of the table imports', () => {
  it('names no module', async () => {
    const project = TestProject.withConfig({ plugins: { transfer: {} } })
    await project.ops('migrate')
    project.database.exec('create table people (name text)')
    project.write('people.csv', 'name\nada\n')
    project.write(
      'cat.js',
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(project.path('ran'))}, '')\n`,
    )
    const format = `../../../../../../../../../../../..${project.path('cat.js')}?`
    project.database.pragma('ignore_check_constraints = on')
    project.database
      .prepare(`insert into imports (file, target_table, format) values ('people.csv', 'people', ?)`)
      .run(format)
    await project.ops('worker', '--drain')
    expect(existsSync(project.path('ran'))).toBe(false)
    expect(project.value('select error from imports')).toMatch(/^"format": expected one of csv, ndjson, got /)
  })
})
