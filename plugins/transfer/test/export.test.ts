import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { AbortReason } from '../../../src/worker/abort-reason.ts'
import { openBench } from './support.ts'

const SQL = `
  create table people (id integer primary key, name text, is_member boolean, note json, photo blob, height real);
  insert into people values
    (9007199254740993, 'Ada, "the" first', 1, '{"a":[1,null]}', x'00ff', 1.5),
    (2, '', 0, '{ "a": 1 }', null, 1e300),
    (1, null, null, '"text"', x'', 0.1)`

const numbersTo = (last: number, columns: string) =>
  `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${last}) select ${columns} from numbers`

describe('an export', () => {
  test('writes CSV in the order of the primary key', async () => {
    const { export: run, read } = await openBench(SQL)
    const row = await run({ sourceTable: 'people', file: 'people.csv' })
    const csv = [
      'id,name,is_member,note,photo,height',
      '1,,,"""text""",\\x,0.1',
      '2,"",false,"{ ""a"": 1 }",,1e+300',
      '9007199254740993,"Ada, ""the"" first",true,"{""a"":[1,null]}",\\x00ff,1.5',
      '',
    ].join('\n')
    expect(read('people.csv')).toBe(csv)
    expect(row).toMatchObject({ status: 'succeeded', format: 'csv', rowCount: 3, fileSize: csv.length })
  })

  test('writes NDJSON that every reader understands', async () => {
    const { export: run, read } = await openBench(SQL)
    await run({ sourceTable: 'people', file: 'people.ndjson' })
    expect(read('people.ndjson')).toBe(
      [
        '{"id":1,"name":null,"is_member":null,"note":"\\"text\\"","photo":"\\\\x","height":0.1}',
        '{"id":2,"name":"","is_member":false,"note":"{ \\"a\\": 1 }","photo":null,"height":1e+300}',
        '{"id":"9007199254740993","name":"Ada, \\"the\\" first","is_member":true,"note":{"a":[1,null]},"photo":"\\\\x00ff","height":1.5}',
        '',
      ].join('\n'),
    )
  })

  test('selects and renames columns, takes the rows of a view, and compresses the file', async () => {
    const {
      export: run,
      path,
      read,
    } = await openBench(`${SQL}; create view few as select * from people where is_member is not null and id < 10`)
    const columns = { Name: 'name', Nr: 'id' }
    const row = await run({ sourceTable: 'few', file: 'p.tsv.gz', columns })
    expect(gunzipSync(readFileSync(path('p.tsv.gz'))).toString()).toBe('Nr\tName\n2\t""\n')
    expect(row).toMatchObject({ rowCount: 1 })
    await run({ sourceTable: 'people', file: 'q.csv', columns: ['name', 'id'], delimiter: ';' })
    expect(read('q.csv')).toMatch(/^name;id\n;1\n/)
  })

  test('exports views and empty tables, but none of ops', async () => {
    const { export: run, read } = await openBench('create view v as select 1 as a; create table t (a, b)')
    await run({ sourceTable: 'v', file: 'v.csv' })
    await run({ sourceTable: 't', file: 't.csv' })
    expect([read('v.csv'), read('t.csv')]).toEqual(['a\n1\n', 'a,b\n'])
    for (const [sourceTable, why] of [
      ['ops_audit', 'it belongs to ops or the database'],
      ['exports', 'it has tasks'],
    ] as const) {
      const { error } = await run({ sourceTable, file: 'x.ndjson' })
      expect(error).toBe(`"${sourceTable}" cannot be imported or exported: ${why}`)
    }
  })

  test('replaces an existing file atomically', async () => {
    const { export: run, read, write, project } = await openBench(SQL)
    mkdirSync(`${project}/out`)
    write('out/p.csv', 'old')
    await run({ sourceTable: 'people', file: 'out/p.csv', columns: ['id'] })
    expect(read('out/p.csv')).toMatch(/^id\n1\n/)
    expect(readdirSync(`${project}/out`)).toEqual(['p.csv'])
  })

  test('exports one snapshot while others write', async () => {
    const { startExport, database, read } = await openBench(
      `create table t (a integer primary key, b text);
       insert into t ${numbersTo(20_000, 'n, hex(randomblob(50))')}`,
    )
    const { context, ended } = await startExport({ sourceTable: 't', file: 't.csv', columns: ['a'] })
    const { progress } = context
    let isFirst = true
    context.progress = (fraction, note) => {
      if (isFirst) database.exec(`delete from t where a > 10000; insert into t (a) values (0), (30000)`)
      isFirst = false
      progress(fraction, note)
    }
    expect(await ended).toMatchObject({ status: 'succeeded', rowCount: 20000 })
    expect(read('t.csv').split('\n').slice(1, -1).map(Number)).toEqual(
      Array.from({ length: 20000 }, (_, index) => index + 1),
    )
  })

  test('that is canceled leaves the existing file, and no other', async () => {
    const { startExport, project, read, write } = await openBench(
      `create table t (a integer primary key); insert into t ${numbersTo(100_000, 'n')}`,
    )
    mkdirSync(`${project}/out`)
    write('out/t.csv', 'old')
    const { context, ended } = await startExport({ sourceTable: 't', file: 'out/t.csv' })
    const { progress } = context
    context.progress = (fraction, note) => {
      if (fraction > 0.3) context.abort(AbortReason.canceled('ada'))
      progress(fraction, note)
    }
    expect(await ended).toMatchObject({ status: 'canceled', rowCount: null })
    expect(read('out/t.csv')).toBe('old')
    expect(readdirSync(`${project}/out`)).toEqual(['t.csv'])
  })
})

describe('an export fails', () => {
  test('with a clear error', async () => {
    const { export: run, project } = await openBench(SQL)
    const errorOf = async (values: object) => (await run({ sourceTable: 'people', file: 'p.csv', ...values })).error
    expect(await errorOf({ sourceTable: 'peple' })).toBe('table "peple" does not exist; did you mean "people"?')
    expect(await errorOf({ columns: ['nam', 'id', 'id'] })).toBe(
      '"columns" contains "id" twice; "people" has no column "nam"; did you mean "name"?',
    )
    expect(await errorOf({ file: 'gone/p.csv' })).toBe(`folder ${project}/gone does not exist; create it first`)
    expect(await errorOf({ file: '.ops', format: 'csv' })).toMatch(/"\.ops" is a name of programs, settings or hidden/)
    expect(await errorOf({ delimiter: '::' })).toMatch(/^"delimiter": expected one character other than/)
    expect(readdirSync(project)).toEqual(['.ops'])
  })
})
