import * as check from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AbortReason } from '../../../src/worker/abort-reason.ts'
import { postgresMissing } from '../../../test/support/postgres-fixture.ts'
import { unless } from '../../../test/support/unless.ts'
import { until } from '../../../test/support/until.ts'
import { writePeople } from './people-file.ts'
import { openPostgresBench } from './support.ts'

const PEOPLE = `create table people (
  id bigint primary key generated always as identity, name varchar(20) not null, email text unique, age int check (age >= 0),
  mood text, tags text[], price numeric(10, 2), at timestamptz, twice int generated always as (age * 2) stored)`

describe('on PostgreSQL an import', unless(postgresMissing), () => {
  test('imports rows, including values of identity columns', async () => {
    const { import: run, write, rows, database } = await openPostgresBench(PEOPLE)
    write(
      'p.csv',
      'id,name,age,tags,price,at,twice\n7,"Ada ""x""\r\ny",36,"{a,""b c""}",12.345,2020-01-01 10:00+02,1\n9,"",,,,,\n',
    )
    const row = await run({ file: 'p.csv', targetTable: 'people' })
    expect(row).toMatchObject({ status: 'succeeded', rowCount: 2, skippedCount: 0, rejectedCount: 0, error: null })
    expect(row.importedAt).toBeInstanceOf(Date)
    expect(await rows('select id, name, age, tags, price, at, twice from people order by id')).toEqual([
      {
        id: 7,
        name: 'Ada "x"\r\ny',
        age: 36,
        tags: ['a', 'b c'],
        price: '12.35',
        at: new Date('2020-01-01T08:00:00Z'),
        twice: 72,
      },
      { id: 9, name: '', age: null, tags: null, price: null, at: null, twice: null },
    ])
    await database.query(`insert into people (name) values ('next')`)
    expect(await rows(`select id from people where name = 'next'`)).toEqual([{ id: 10 }])
  })

  test('reports rows that the server rejects with their lines', async () => {
    const { import: run, write, rows, read } = await openPostgresBench(PEOPLE)
    write(
      'p.csv',
      'id,name,age,tags\n1,Ada,1,\n2,a name that is far too long,1,\n3,Bob,-1,\n4,Cyn,1,{\n5,Dan,99999999999,\n6,"E\0",,\n7,Fay,7,\n',
    )
    expect(await run({ file: 'p.csv', targetTable: 'people' })).toMatchObject({
      status: 'failed',
      rowCount: 0,
      rejectedCount: 2,
    })
    expect(await rows('select * from people')).toEqual([])
    expect(await run({ file: 'p.csv', targetTable: 'people', maxRejected: 5 })).toMatchObject({
      rowCount: 2,
      rejectedCount: 5,
    })
    const reported = read('.ops/rejected/2/p.csv.rejected.ndjson')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(reported.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
      '6: "age": expected a 32-bit integer',
      '7: "name" contains a null character, which the database does not support',
      '3: value too long for type character varying(20)',
      '4: new row for relation "people" violates check constraint "people_age_check"',
      '5: malformed array literal',
    ])
    expect(await rows('select id from people order by id')).toEqual([{ id: 1 }, { id: 7 }])
  })

  test('skips or updates existing rows', async () => {
    const {
      import: run,
      write,
      rows,
    } = await openPostgresBench(`${PEOPLE}; insert into people (name, email) values ('Old', 'x')`)
    write('p.csv', 'name,email\nA,x\nB,y\nC,y\n')
    const task = { file: 'p.csv', targetTable: 'people' }
    expect((await run(task)).error).toMatch(/line 2: duplicate key value violates unique constraint "people_email_key"/)
    expect(await run({ ...task, onConflict: 'skip' })).toMatchObject({ rowCount: 1, skippedCount: 2 })
    expect(await run({ ...task, onConflict: 'update', conflictKey: 'email' })).toMatchObject({
      rowCount: 3,
      skippedCount: 0,
    })
    expect(await rows('select name, email from people order by email')).toEqual([
      { name: 'A', email: 'x' },
      { name: 'C', email: 'y' },
    ])
  })

  test('finds tables of other schemas, but none of ops', async () => {
    const {
      import: run,
      write,
      rows,
    } = await openPostgresBench('create schema crm; create table crm."The People" (a int)')
    write('p.csv', 'a\n1\n')
    expect(await run({ file: 'p.csv', targetTable: 'crm.The People' })).toMatchObject({ rowCount: 1 })
    expect(await rows('select * from crm."The People"')).toEqual([{ a: 1 }])
    const errorOf = async (targetTable: string) => (await run({ file: 'p.csv', targetTable })).error
    expect(await errorOf('crm.Peple')).toMatch(/^table "crm.Peple" does not exist; /)
    expect(await errorOf('ops_runs')).toBe('cannot import into "ops_runs": it belongs to ops')
    expect(await errorOf('pg_class')).toMatch(/^table "pg_class" does not exist; /)
  })

  test('that is canceled leaves nothing', async () => {
    const { startImport, path, rows } = await openPostgresBench(
      'create table people (id int, name text, email text, age int, joined_at text)',
    )
    writePeople(path('people.csv'), 20_000)
    const { context, ended } = await startImport({ file: 'people.csv', targetTable: 'people' })
    const { progress } = context
    context.progress = (fraction, note) => {
      if (fraction > 0.3) context.abort(AbortReason.canceled('ada'))
      progress(fraction, note)
    }
    expect(await ended).toMatchObject({ status: 'canceled', importedAt: null })
    expect(await rows('select * from people')).toEqual([])
    const open = `select count(*)::int n from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`
    await until(async () => (await rows(open))[0]!.n === 0, 'no transaction is open')
  })
})

describe('on PostgreSQL an export', unless(postgresMissing), () => {
  test('takes the rows of a view', async () => {
    const { export: run, read } = await openPostgresBench(
      `${PEOPLE}; insert into people (name, age) values ('Ada', 1), ('Bob', 2);
       create view older as select * from people where age > 1`,
    )
    const columns = [{ Age: 'age' }, 'name']
    expect(await run({ sourceTable: 'older', file: 'p.csv', columns })).toMatchObject({ rowCount: 1, error: null })
    expect(read('p.csv')).toBe('Age,name\n2,Bob\n')
  })
})

const COLUMNS = `id int primary key, "a ""b""" text, i bigint, f double precision, r real, b boolean, j jsonb, k json, n numeric,
  bin bytea, at timestamptz, local timestamp, d date, list text[], t time, u uuid`

const text = check
  .oneof(
    check.string({ unit: 'grapheme' }),
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
        '\ufeff',
        '\ufffd',
        'a',
        "'",
        '\x01',
        '\x02',
      ),
    }),
    check.constantFrom('', ' ', 'null', 'NULL', '\\N', '\\.', '007', '{}', '\r\n', '""'),
  )
  .map((text) => text.replaceAll('\0', ''))
const whole = check.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
const json = check
  .oneof(
    check.json(),
    check.constantFrom('{"a": 12345678901234567890.10}', '{"a": 1.10}', '[1,\n2]', '"x"', 'null', '12'),
  )
  .filter((json) => !/\\u0000|\\ud[89a-f]/i.test(json))
const at = check.date({ noInvalidDate: true, min: new Date('-000040-01-01'), max: new Date(4e14) })
const PAST = ['infinity', '-infinity', '0044-03-15 00:00:00 BC']
const row = check.tuple(
  ...[text, whole, check.double().map(String), check.float().map(String), check.boolean().map(String), json, json].map(
    (one) => check.option(one),
  ),
  check.option(check.constantFrom('NaN', '1.10', '-0.000', '123456789012345678901234567890.123456789')),
  check.option(check.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)),
  check.option(
    check.oneof(
      check.constantFrom(...PAST, '2020-01-01 00:00:00.123456+14'),
      at.filter((at) => at.getTime() > 0).map((at) => at.toISOString().replace('+', '')),
    ),
  ),
  check.option(check.constantFrom(...PAST, '2020-01-01 00:00:00.000001')),
  check.option(check.constantFrom('infinity', '0044-03-15 BC', '2020-02-29', '5874897-12-31')),
  check.option(check.constantFrom('{}', '{a,NULL,"NULL","x,\\"y"}', '{{a,b},{c,d}}')),
  check.option(check.constantFrom('00:00:00', '24:00:00', '12:34:56.789')),
  check.option(check.uuid()),
)

describe('on PostgreSQL', unless(postgresMissing), () => {
  test.each(['csv', 'ndjson'])('a table exported as %s and imported again is the same', async (extension) => {
    const {
      export: write,
      import: read,
      database,
    } = await openPostgresBench(`create table source (${COLUMNS}); create table target (${COLUMNS})`)
    await database.query(`set timezone to 'America/New_York'`)
    const marks = Array.from({ length: 16 }, (_, index) => `$${index + 1}`).join(', ')
    const all = async (table: string) => (await database.query(`select t::text from ${table} t order by id`)).rows
    const property = check.asyncProperty(check.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      await database.query('truncate source, target')
      for (const [index, values] of rows.entries())
        await database.query(`insert into source values (${marks})`, [index, ...values])
      const task = { file: `rows.${extension}` }
      expect(await write({ sourceTable: 'source', ...task })).toMatchObject({ error: null, rowCount: rows.length })
      expect(await read({ targetTable: 'target', ...task })).toMatchObject({ error: null, rowCount: rows.length })
      expect(await all('target')).toEqual(await all('source'))
    })
    await check.assert(property, { numRuns: 15, seed: 1 })
  })
})
