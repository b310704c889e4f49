import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openBench } from './support.ts'

const SQL = `create table people (name text); insert into people values ('Ada'); create table secrets (name text)`

describe('an import or export', () => {
  test('does nothing that is not configured', async () => {
    const none = await openBench(SQL, { folders: [], tables: [] })
    none.write('p.csv', 'name\nBob\n')
    expect((await none.import({ file: 'p.csv', targetTable: 'people' })).error).toMatch(
      /plugins\.transfer\.folders, which is/,
    )
    const some = await openBench(SQL, { folders: ['out'], tables: ['people'] })
    some.write('out/p.csv', 'name\nBob\n')
    for (const [table, file, error] of [
      ['secrets', 'out/x.csv', 'table "secrets" is not in plugins.transfer.tables: people'],
      ['main.secrets', 'out/x.csv', 'table "main.secrets" is not in plugins.transfer.tables: people'],
      ['people', 'x.csv', /outside of the folders/],
      ['people', 'out/../x.csv', /outside of the folders/],
    ] as const) {
      const done = await some.export({ sourceTable: table, file })
      expect([done.status, done.error]).toEqual([
        'failed',
        typeof error === 'string' ? error : expect.stringMatching(error),
      ])
    }
    expect(await some.import({ targetTable: 'people', file: 'out/p.csv' })).toMatchObject({ status: 'succeeded' })
  })

  test.each([
    'ops.config.json',
    'out/ops.config.mjs',
    'package.json',
    'node_modules/x.csv',
    'cat.js',
    'out/cat.mts',
    '.bashrc',
    '.git/config.csv',
    '.ops/ops.db',
  ])('writes nothing that ops or Node would execute: %s', async (file) => {
    const { export: run, write, path } = await openBench(SQL)
    for (const folder of ['out', 'node_modules', '.git']) write(`${folder}/kept`, '')
    const { error } = await run({ sourceTable: 'people', file, format: 'csv' })
    expect(error).toMatch(/is a name of programs, settings or hidden files$/)
    expect(file === '.ops/ops.db' || !existsSync(path(file))).toBe(true)
  })

  test('follows no link out of its folders, and writes to no file that somebody has put there', async () => {
    const { export: run, write, path, read } = await openBench(SQL, { folders: ['out'], tables: ['people'] })
    write('kept.csv', 'kept')
    write('out/a.csv', '')
    symlinkSync('..', path('out/up'))
    symlinkSync('../kept.csv', path('out/link.csv'))
    symlinkSync('../new.csv', path('out/dangling.csv'))
    symlinkSync(path('kept.csv'), path('out/b.csv.5.partial'))
    for (const file of ['out/up/kept.csv', 'out/link.csv', 'out/dangling.csv']) {
      expect((await run({ sourceTable: 'people', file })).error).toMatch(/outside of the folders|is a link/)
    }
    for (let id = 4; id <= 6; id += 1) await run({ sourceTable: 'people', file: 'out/b.csv' })
    expect([read('kept.csv'), read('out/b.csv'), existsSync(path('new.csv'))]).toEqual(['kept', 'name\nAda\n', false])
    expect(readdirSync(path('out')).filter((name) => name.endsWith('.partial'))).toEqual(['b.csv.5.partial'])
    expect(readFileSync(path('out/b.csv.5.partial'), 'utf8')).toBe('kept')
  })

  test('reads no more than it may, however small the file is that holds it', async () => {
    const bench = await openBench(SQL, { maxImport: '1 MB' })
    writeFileSync(join(bench.project, 'bomb.csv.gz'), gzipSync(`name\n${`${'x'.repeat(1000)}\n`.repeat(2000)}`))
    const { status, error } = await bench.import({ file: 'bomb.csv.gz', targetTable: 'people' })
    expect([status, error]).toEqual([
      'failed',
      expect.stringMatching(/holds more than 1 MB; see "plugins.transfer.maxImport"$/),
    ])
    expect(bench.rows('select count(*) as count from people')).toEqual([{ count: 1 }])
  })

  const SECRET = 'root:x:0:0:Ada'

  test.each([
    ['a header that is none', 'x.csv', `${SECRET}\nb\n`],
    ['a header with odd names', 'x.csv', 'constructor,__proto__,toString\na,b,c\n'],
    ['a value', 'x.csv', `name,age\nBob,${SECRET}\n`],
    ['JSON that is none', 'x.ndjson', `{"name":"a"}\n${SECRET}\n`],
    ['an unfinished object', 'x.ndjson', `{"name":"a"}\n{"name":"${SECRET}\n`],
    ['an unknown key', 'x.ndjson', `{"name":"a"}\n{"${SECRET}":1}\n`],
    ['odd keys', 'x.ndjson', '{"name":"a","__proto__":1,"constructor":2}\n'],
    ['JSON without an end', 'x.ndjson', `{"name":${'['.repeat(200_000)}${']'.repeat(200_000)}}\n`],
    ['JSON in CSV without an end', 'x.csv', `name,more\na,"${'['.repeat(200_000)}${']'.repeat(200_000)}"\n`],
    ['a long line', 'x.csv', `name\n${'x'.repeat(17_000_000)}\n`],
    ['a long line of JSON', 'x.ndjson', `{"name":"a"}\n{"name":"${'x'.repeat(17_000_000)}"}\n`],
  ])('fails for %s with one sentence that quotes nothing of the file', async (_, name, text) => {
    const bench = await openBench(
      `${SQL}; alter table people add column age integer; alter table people add column more json`,
    )
    writeFileSync(join(bench.project, name), text)
    const { status, error, log } = await bench.import({ file: name, targetTable: 'people' })
    expect(status).toBe('failed')
    expect(error!.length).toBeLessThan(400)
    expect(`${error}\n${log}`).not.toMatch(/root|Ada|xxx|\[\[|Unexpected|call stack|undefined/)
    expect(bench.rows('select name from people')).toEqual([{ name: 'Ada' }])
  })

  test('takes columns with the names of what every object has', async () => {
    const bench = await openBench('create table odd ("constructor" text, "__proto__" text)')
    bench.write('odd.csv', 'constructor,__proto__\na,b\n')
    expect(await bench.import({ file: 'odd.csv', targetTable: 'odd' })).toMatchObject({ status: 'succeeded' })
    expect(bench.rows('select "constructor" || "__proto__" as both from odd')).toEqual([{ both: 'ab' }])
  })
})
