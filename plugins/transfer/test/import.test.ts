import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { Pace } from '../src/pace.ts'
import { openBench } from './support.ts'

const PEOPLE = `create table people (
  id integer primary key, name text not null, email text unique, age integer check (age >= 0), height real,
  is_member boolean, born date, seen timestamp, joined_at integer, note json, photo blob, price numeric(10, 2))`

const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('an import', () => {
  test('reads CSV with quotes, any line breaks, a byte order mark and empty lines', async () => {
    const {
      import: run,
      write,
      rows,
    } = await openBench('create table people (id integer primary key, name text, age integer)')
    write(
      'people.csv',
      '\ufeffid,name,age\r\n1,"Ada, ""the"" first",36\r\n2,"two\r\nlines\n",\r\n\r\n3,"", 9 \r\n4,größe,',
    )
    const row = await run({ file: 'people.csv', targetTable: 'people' })
    expect(row).toMatchObject({
      status: 'succeeded',
      format: 'csv',
      rowCount: 4,
      skippedCount: 0,
      rejectedCount: 0,
      rejectedFile: null,
    })
    expect(row.importedAt).toBeInstanceOf(Date)
    expect(rows('select * from people')).toEqual([
      { id: 1, name: 'Ada, "the" first', age: 36 },
      { id: 2, name: 'two\r\nlines\n', age: null },
      { id: 3, name: '', age: 9 },
      { id: 4, name: 'größe', age: null },
    ])
  })

  test('writes nothing if its run is taken away before the commit', async () => {
    const takeAway = `create trigger take_away after insert on people begin
      update ops_runs set end_id = 99, ended_at = 1, outcome = 'by hand' where ended_at is null; end`
    const { import: run, write, rows } = await openBench(`${PEOPLE}; ${takeAway}`)
    write('people.csv', 'id,name\n1,Ada\n')
    expect(await run({ file: 'people.csv', targetTable: 'people' })).toMatchObject({
      status: 'failed',
      error: 'the run was taken away; nothing was imported',
      importedAt: null,
    })
    expect(rows('select * from people')).toEqual([])
  })

  test('reads compressed NDJSON, and keeps the digits of large numbers', async () => {
    const { import: run, write, rows } = await openBench(PEOPLE)
    const lines = [
      '{"id": 9223372036854775807, "name": "Ada", "note": {"n": 12345678901234567890}}',
      '',
      '{"name": "Bob", "id": "2"}',
    ]
    write('people.jsonl.gz', gzipSync(lines.join('\n')))
    expect(await run({ file: 'people.jsonl.gz', targetTable: 'people' })).toMatchObject({
      status: 'succeeded',
      rowCount: 2,
    })
    expect(rows('select cast(id as text) id, name, note from people order by people.id')).toEqual([
      { id: '2', name: 'Bob', note: null },
      { id: '9223372036854775807', name: 'Ada', note: '{"n":12345678901234567890}' },
    ])
  })

  test('converts each field to the type of its column', async () => {
    const { import: run, write, rows } = await openBench(PEOPLE)
    const names = 'id,name,age,height,is_member,born,seen,joined_at,note,photo,price'
    write(
      'people.csv',
      `${names}\n1,007,+36,1.5e2,yes,2020-02-29,2020-01-01 10:00:00+02,2020-01-01T00:00:00Z,"{ ""a"": 1 }",\\x00ff,12.50\n`,
    )
    await run({ file: 'people.csv', targetTable: 'people' })
    expect(rows('select * from people')).toEqual([
      {
        id: 1,
        name: '007',
        email: null,
        age: 36,
        height: 150,
        is_member: 1,
        born: '2020-02-29',
        seen: '2020-01-01 10:00:00+02',
        joined_at: 1577836800000,
        note: '{ "a": 1 }',
        photo: Buffer.from([0, 255]),
        price: 12.5,
      },
    ])
  })

  test('renames columns and leaves some out', async () => {
    const { import: run, write, rows } = await openBench(PEOPLE)
    write('people.csv', 'Nr;Name;E-Mail;Internal\n1;Ada;ada@example.com;x\n')
    const columns = { Nr: 'id', Name: 'name', 'E-Mail': 'email', Internal: null }
    expect(await run({ file: 'people.csv', targetTable: 'people', delimiter: ';', columns })).toMatchObject({
      rowCount: 1,
    })
    write('more.csv', '2,Bob,x\n3,"",x\n')
    expect(await run({ file: 'more.csv', targetTable: 'people', columns: ['id', 'name', null] })).toMatchObject({
      rowCount: 2,
    })
    expect(rows('select id, name, email from people')).toEqual([
      { id: 1, name: 'Ada', email: 'ada@example.com' },
      { id: 2, name: 'Bob', email: null },
      { id: 3, name: '', email: null },
    ])
  })

  test('leaves out generated columns', async () => {
    const { import: run, write, rows } = await openBench('create table t (a integer, twice integer as (a * 2))')
    write('t.csv', 'a,twice\n2,5\n')
    expect((await run({ file: 't.csv', targetTable: 't' })).log).toContain(
      'left out, because the database computes them: twice',
    )
    expect(rows('select * from t')).toEqual([{ a: 2, twice: 4 }])
  })

  test('adds no tasks', async () => {
    const { import: run, write, rows } = await openBench('')
    write('exports.csv', 'source_table,file\npeople,a.csv\n')
    const { error } = await run({ file: 'exports.csv', targetTable: 'exports' })
    expect(error).toBe('"exports" cannot be imported or exported: it has tasks')
    expect(rows('select * from exports')).toEqual([])
  })

  test('reports its progress', async () => {
    const { import: run, write } = await openBench('create table t (a integer)')
    write('t.csv', 'a\n1\n2\n')
    expect((await run({ file: 't.csv', targetTable: 't' })).notes.at(-1)).toEqual('writing 2 rows into t')
  })

  test('reports the rate and the remaining time', () => {
    let now = 0
    const pace = new Pace(() => now)
    expect(pace.note(1000, 0.1)).toBe('1,000 rows')
    now = 10_000
    expect(pace.note(350_000, 0.25)).toBe('350,000 rows, 35,000/s, 30 s left')
    expect(pace.note(350_000, 0.001)).toBe('350,000 rows, 35,000/s, 2 h 46 m left')
    expect(pace.note(350_000, undefined)).toBe('350,000 rows, 35,000/s')
  })
})

describe('a row that already exists', () => {
  const sql = `${PEOPLE}; insert into people (id, name, email) values (1, 'Old', 'old@example.com')`
  const file = 'id,name,email\n2,Bob,bob@example.com\n1,New,new@example.com\n'

  test('fails the import by default', async () => {
    const { import: run, write, rows } = await openBench(sql)
    write('people.csv', file)
    const { error, status } = await run({ file: 'people.csv', targetTable: 'people' })
    expect({ error, status }).toEqual({
      status: 'failed',
      error: expect.stringMatching(
        /^nothing was imported: 1 invalid row: line 3: UNIQUE constraint failed: people.id \(all in .*\)$/,
      ),
    })
    expect(rows('select count(*) n from people')).toEqual([{ n: 1 }])
  })

  test('is skipped, or updated', async () => {
    const { import: run, write, rows } = await openBench(sql)
    write('people.csv', file)
    expect(await run({ file: 'people.csv', targetTable: 'people', onConflict: 'skip' })).toMatchObject({
      rowCount: 1,
      skippedCount: 1,
    })
    expect(rows('select name from people order by id')).toEqual([{ name: 'Old' }, { name: 'Bob' }])
    expect(await run({ file: 'people.csv', targetTable: 'people', onConflict: 'update' })).toMatchObject({
      rowCount: 2,
      skippedCount: 0,
    })
    expect(rows('select name, email from people order by id')).toEqual([
      { name: 'New', email: 'new@example.com' },
      { name: 'Bob', email: 'bob@example.com' },
    ])
  })

  test('is identified by the conflict key; the last one of the file wins', async () => {
    const { import: run, write, rows } = await openBench(sql)
    write('people.csv', 'name,email\nA,old@example.com\nB,x@example.com\nC,x@example.com\n')
    const task = { file: 'people.csv', targetTable: 'people', onConflict: 'update' } as const
    expect(await run({ ...task, conflictKey: 'email' })).toMatchObject({ rowCount: 3 })
    expect(rows('select name from people order by id')).toEqual([{ name: 'A' }, { name: 'C' }])
    expect((await run(task)).error).toBe(
      'the file has no id to identify the rows to update; set "conflict_key" to "email"',
    )
    expect((await run({ ...task, conflictKey: 'name' })).error).toBe(
      '"name" is not unique in "people"; set "conflict_key" to "email"',
    )
    expect((await run({ ...task, conflictKey: 'mail' })).error).toMatch(
      /"people" has no column "mail"; did you mean "email"\?$/,
    )
  })
})

describe('invalid rows', () => {
  const bad =
    'id,name,age,is_member,born\n1,Ada,36,true,\n2,,x,maybe,2021-02-29\n3,Bob\n4,Cyn,-1,,\n"5,Dan,1,,\n'.replace(
      '"5',
      '5',
    )

  test('prevent the import, and are reported with their lines and reasons', async () => {
    const { import: run, write, read, rows, project } = await openBench(PEOPLE)
    write('people.csv', bad)
    const row = await run({ file: 'people.csv', targetTable: 'people' })
    const rejectedFile = `${project}/.ops/rejected/1/people.csv.rejected.ndjson`
    expect(row).toMatchObject({ status: 'failed', rowCount: 0, rejectedCount: 2, rejectedFile, importedAt: null })
    expect(row.error).toBe(
      'nothing was imported: 2 invalid rows: line 3: "name" must not be null ("" is an empty string), ' +
        '"age": expected a 64-bit integer, "is_member": expected true or false, ' +
        `"born": expected a date such as 2030-01-31; line 4: expected 5 fields, got 2 (all in ${rejectedFile})`,
    )
    expect(jsonLines(read('.ops/rejected/1/people.csv.rejected.ndjson'))).toEqual([
      {
        line: 3,
        reason: expect.stringContaining('"age": expected'),
        row: { id: '2', name: null, age: 'x', is_member: 'maybe', born: '2021-02-29' },
      },
      { line: 4, reason: 'expected 5 fields, got 2', row: ['3', 'Bob'] },
    ])
    expect(rows('select * from people')).toEqual([])
  })

  test('are left out up to a limit, including those that the database rejects', async () => {
    const { import: run, write, read, rows } = await openBench(PEOPLE)
    write('people.csv', bad)
    const row = await run({ file: 'people.csv', targetTable: 'people', maxRejected: 3 })
    expect(row).toMatchObject({ status: 'succeeded', rowCount: 2, skippedCount: 0, rejectedCount: 3 })
    expect(rows('select id from people')).toEqual([{ id: 1 }, { id: 5 }])
    expect(jsonLines(read('.ops/rejected/1/people.csv.rejected.ndjson'))[2]).toEqual({
      line: 5,
      reason: 'CHECK constraint failed: age >= 0',
      row: { id: 4, name: 'Cyn', age: -1, is_member: null, born: null },
    })
    const again = await run({ file: 'people.csv', targetTable: 'people', maxRejected: 2, onConflict: 'skip' })
    expect(again).toMatchObject({ status: 'failed', rowCount: 0, rejectedCount: 3 })
    expect(again.error).toMatch(/^nothing was imported: 3 invalid rows \(max_rejected is 2\): line 3: /)
  })

  test('are those with wrong quotes, and the rows after them are read', async () => {
    const { import: run, write, read } = await openBench('create table t (a text, b text)')
    write('t.csv', 'a,b\n1,"x"y"\n2,o"k\n"3\r\n3","x"\n"4\n4","x" y\n5,6\n"7\r\n","\r\n"\n8,"a" "b\n9,9\n')
    const row = await run({ file: 't.csv', targetTable: 't', maxRejected: 10 })
    expect(row).toMatchObject({ rowCount: 4, rejectedCount: 4 })
    expect(jsonLines(read('.ops/rejected/1/t.csv.rejected.ndjson')).map(({ line }) => line)).toEqual([2, 3, 7, 12])
  })

  test('are those with bytes that are not UTF-8', async () => {
    const { import: run, write, rows, read } = await openBench('create table t (a integer, b text)')
    const latin = Buffer.concat([
      Buffer.from('a,b\n1,gr\ufffd\u{1f600}\n2,gr'),
      Buffer.from([0xfc, 0xdf]),
      Buffer.from('n\n3,x\n'),
    ])
    write('t.csv', latin)
    expect(await run({ file: 't.csv', targetTable: 't', maxRejected: 1 })).toMatchObject({
      rowCount: 2,
      rejectedCount: 1,
    })
    expect(rows('select * from t')).toEqual([
      { a: 1, b: 'gr\ufffd\u{1f600}' },
      { a: 3, b: 'x' },
    ])
    expect(jsonLines(read('.ops/rejected/1/t.csv.rejected.ndjson'))).toEqual([
      {
        line: 3,
        reason: 'not UTF-8; convert the file: iconv -f latin1 -t utf-8',
        row: { a: '2', b: 'gr\ufffd\ufffdn' },
      },
    ])
  })

  test('of NDJSON are those that are not objects, or have unknown keys', async () => {
    const { import: run, write, read } = await openBench(PEOPLE)
    write(
      'p.ndjson',
      '{"id":1,"name":"a"}\n{"id":\n[1]\n{"id":2,"name":"\\ud800"}\n{"id":3,"name":"c","age":1}\n{"id":4}\n',
    )
    await run({ file: 'p.ndjson', targetTable: 'people' })
    const reported = jsonLines(read('.ops/rejected/1/p.ndjson.rejected.ndjson')).map(
      ({ line, reason }) => `${line}: ${reason}`,
    )
    expect(reported).toEqual([
      expect.stringMatching(/^2: invalid JSON/),
      '3: not a JSON object',
      expect.stringMatching(/^4: "name": expected a string$/),
      '5: unknown key "age", which the first row does not have; list all keys in "columns"',
      '6: "name" must not be null ("" is an empty string)',
    ])
    write('q.ndjson', '{"id":1,"name":"a"}\n{"id":3,"name":"c","age":1}\n')
    expect(await run({ file: 'q.ndjson', targetTable: 'people', columns: { age: 'age' } })).toMatchObject({
      rowCount: 2,
    })
  })

  test('of a deferred constraint prevent the import', async () => {
    const {
      import: run,
      write,
      rows,
    } = await openBench(
      'create table a (id integer primary key); create table b (a integer references a deferrable initially deferred)',
    )
    write('b.csv', 'a\n1\n')
    expect(await run({ file: 'b.csv', targetTable: 'b' })).toMatchObject({
      status: 'failed',
      error: 'FOREIGN KEY constraint failed',
    })
    expect(rows('select * from b')).toEqual([])
  })
})

describe('an import fails before it reads any row', () => {
  test.each([
    [
      'id,nmae,agee,x y\n',
      '"people" has no column "nmae"; did you mean "name"?; "people" has no column "agee"; did you mean "age"?; "people" has no column "x y"; its columns: id, name, email, age, height, is_member, born, seen, joined_at, note, photo, price; "people" requires "name", which is not in p.csv',
    ],
    ['id,id,name\n', 'several fields go into column "id"'],
    ['', 'the file is empty; expected a header line with column names'],
    [
      'id,"na"me\n',
      'invalid header line: expected a delimiter after the closing quote (double a quote inside a field)',
    ],
  ])('when the names do not match: %j', async (text, error) => {
    const { import: run, write } = await openBench(PEOPLE)
    write('p.csv', text)
    expect(await run({ file: 'p.csv', targetTable: 'people' })).toMatchObject({ status: 'failed', error })
  })

  test('when the file or the table is missing or unsuitable', async () => {
    const {
      import: run,
      write,
      project,
    } = await openBench(`${PEOPLE}; create view older as select * from people`, { folders: ['.'] })
    write('p.csv', 'id,name\n1,Ada\n')
    write('p.dat', 'x')
    write('utf16.csv', Buffer.from('\ufeffid', 'utf16le'))
    write('packed.csv', gzipSync('id'))
    write('broken.csv.gz', gzipSync('id,name\n1,Ada\n').subarray(0, 25))
    const errorOf = async (file: string, targetTable = 'people') => (await run({ file, targetTable })).error
    expect(await errorOf('gone.csv')).toBe(
      `${project}/gone.csv does not exist; a relative "file" is relative to the project`,
    )
    expect(await errorOf('p.dat')).toMatch(
      /^cannot tell the format of "p.dat" from its name .*; set "format" to csv or ndjson$/,
    )
    expect(await errorOf('p.csv', 'poeple')).toBe('table "poeple" does not exist; did you mean "people"?')
    expect(await errorOf('p.csv', 'ops_runs')).toBe('cannot import into "ops_runs": it belongs to ops')
    expect(await errorOf('p.csv', 'older')).toBe('cannot import into "older": it is a view')
    expect(await errorOf('utf16.csv')).toMatch(/is UTF-16; convert it to UTF-8: iconv -f utf-16 -t utf-8 utf16.csv$/)
    expect(await errorOf('packed.csv')).toMatch(
      /is compressed with gzip; set "compression" to gzip, or rename it to packed.csv.gz$/,
    )
    expect(await errorOf('broken.csv.gz')).toMatch(/^cannot decompress .*broken.csv.gz: unexpected end of file$/)
    expect(await errorOf('/etc/passwd.csv')).toBe(
      `/etc/passwd.csv is outside of the folders in plugins.transfer.folders: ${project}`,
    )
  })

  test('when a quote is not closed', async () => {
    const { import: run, write, rows } = await openBench(PEOPLE)
    write('p.csv', 'id,name\n1,Ada\n2,"Bob\n3,Cyn\n')
    expect(await run({ file: 'p.csv', targetTable: 'people', maxRejected: 100 })).toMatchObject({
      status: 'failed',
      error: 'line 3: unclosed quote',
    })
    expect(rows('select * from people')).toEqual([])
  })
})
