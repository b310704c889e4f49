/** `writers.ts <library> <url>`: as writers.py, by a library of Node. */

import { createInterface } from 'node:readline'

interface Rows {
  run(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** The place of a value in a statement. */
  place(index: number): string
  /** Makes the table anew, with the rows that it has. */
  readonly migrate: readonly string[]
}

const [library, url] = process.argv.slice(2)

const rebuilt = (create: string) => [
  'pragma foreign_keys = off',
  'begin immediate',
  create.replace('notes', 'new_notes'),
  'insert into new_notes select * from notes',
  'drop table notes',
  'alter table new_notes rename to notes',
  'commit',
]

const libraries: Readonly<Record<string, () => Promise<Rows>>> = {
  async 'node:sqlite'() {
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(url!.replace('sqlite:', ''), { timeout: 30_000 })
    const run: Rows['run'] = async (sql, values = []) => database.prepare(sql).all(...(values as string[])) as never
    return { run, place: () => '?', migrate: rebuilt(await definition(run)) }
  },
  async 'better-sqlite3'() {
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(url!.replace('sqlite:', ''), { timeout: 30_000 })
    const run: Rows['run'] = async (sql, values = []) => {
      const statement = database.prepare(sql)
      if (statement.reader) return statement.all(...values) as never
      statement.run(...values)
      return []
    }
    return { run, place: () => '?', migrate: rebuilt(await definition(run)) }
  },
  async pg() {
    const { default: pg } = await import('pg')
    const client = new pg.Client(url)
    await client.connect()
    const migrate = [
      'begin',
      'lock table notes',
      'create table new_notes (like notes including all)',
      'insert into new_notes overriding system value select * from notes',
      'drop table notes',
      'alter table new_notes rename to notes',
      `select setval(pg_get_serial_sequence('notes', 'id'), (select max(id) from notes))`,
      'commit',
    ]
    return {
      run: async (sql, values = []) => (await client.query(sql, [...values])).rows,
      place: (i) => `$${i + 1}`,
      migrate,
    }
  },
}

const { run, place, migrate } = await libraries[library!]!()
let row: Record<string, unknown> = {}

const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  async read() {
    row = (await run('select * from notes where id = 1'))[0]!
  },
  save() {
    const { id: _, ...others } = row
    const set = Object.keys(others).map((name, index) => `${name} = ${place(index)}`)
    return run(`update notes set ${set.join(', ')} where id = 1`, Object.values(others))
  },
  replace() {
    const names = Object.keys(row)
    const into = `into notes (${names.join(', ')})`
    const values = `values (${names.map((_, index) => place(index)).join(', ')})`
    const text =
      library === 'pg'
        ? `insert ${into} overriding system value ${values} on conflict (id) do update set status = excluded.status`
        : `insert or replace ${into} ${values}`
    return run(text, Object.values(row))
  },
  bulk_status: () => run(`update notes set status = 'canceled'`),
  bulk: () => run(`update notes set text = 'bulk'`),
  async migrate() {
    for (const statement of migrate) await run(statement)
  },
}

console.log('ready')
for await (const line of createInterface(process.stdin)) {
  const error = await commands[line]!().catch((error: Error) => error)
  console.log(error instanceof Error ? error.message.replaceAll('\n', ' ') : 'ok')
}

async function definition(run: Rows['run']): Promise<string> {
  return String((await run(`select sql from sqlite_master where name = 'notes'`))[0]!.sql)
}
