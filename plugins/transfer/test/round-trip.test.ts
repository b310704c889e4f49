import * as check from 'fast-check'
import { expect, test } from 'vitest'
import { openBench } from './support.ts'

const TABLE = `(
  id integer primary key, "a ""name""" text, "größe" integer, x real, b boolean, j json, bin blob, at timestamp, num numeric)`

/** What breaks files: quotes, delimiters, line breaks, marks, what looks like something else. */
const nasty = check.oneof(
  check.string({ unit: 'binary' }),
  check.string({
    unit: check.constantFrom(
      '"',
      ',',
      ';',
      '\t',
      '\n',
      '\r',
      ' ',
      '\\',
      '\0',
      '\ufeff',
      '\ufffd',
      '\u{10fffd}',
      'a',
      "'",
    ),
  }),
  check.constantFrom(
    '',
    ' ',
    'null',
    'NULL',
    '\\N',
    '\\.',
    '-',
    '1',
    '007',
    'true',
    '{}',
    '=1+1',
    '\r\n',
    '"',
    '""',
    'ü',
  ),
)

const row = check.tuple(
  check.option(nasty),
  check.option(check.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  check.option(check.double({ noNaN: true })),
  check.option(check.constantFrom(0, 1)),
  check.option(check.json().chain((text) => check.constantFrom(text, ` ${text}\n`))),
  check.option(check.uint8Array()),
  check.option(
    check.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((at) => at.toISOString()),
  ),
  check.option(check.oneof(check.integer(), check.double({ noNaN: true, noDefaultInfinity: true }))),
)

test.each(['csv', 'tsv', 'ndjson', 'csv.gz'])(
  'a table exported as %s and imported again is the same',
  async (extension) => {
    const {
      export: write,
      import: read,
      database,
    } = await openBench(`create table source ${TABLE}; create table target ${TABLE}`)
    const insert = database.prepare('insert into source values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    const all = (table: string) => database.prepare(`select * from ${table} order by id`).safeIntegers().all()
    const property = check.asyncProperty(check.array(row, { maxLength: 30 }), async (rows) => {
      database.exec('delete from source; delete from target')
      rows.forEach((values, index) => {
        insert.run(index, ...values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)))
      })
      expect(await write({ sourceTable: 'source', file: `rows.${extension}` })).toMatchObject({
        error: null,
        rowCount: rows.length,
      })
      // NDJSON says its names in its rows.
      if (extension === 'ndjson' && rows.length === 0) return
      expect(await read({ targetTable: 'target', file: `rows.${extension}` })).toMatchObject({
        error: null,
        rowCount: rows.length,
      })
      expect(all('target')).toEqual(all('source'))
    })
    await check.assert(property, { numRuns: 15, seed: 1 })
  },
)

test('a table of one column keeps nulls and empty strings', async () => {
  const { export: write, import: read, rows } = await openBench('create table a (t text); create table b (t text)')
  rows(`insert into a values (null), (''), ('x'), (null) returning t`)
  await write({ sourceTable: 'a', file: 'a.csv' })
  await read({ targetTable: 'b', file: 'a.csv' })
  expect(rows('select t from b')).toEqual([{ t: null }, { t: '' }, { t: 'x' }, { t: null }])
})
