import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { type ImportRequest, type ImportSession, type Row, RowsRefusedError, type Seal, type Value } from '../store.ts'
import { quote } from '../table.ts'
import { beginImmediate } from './write-lock.ts'

/** Kilobytes of pages in memory: an index in another order than the file is written less often. */
const CACHE_KB = 32 * 1024

/** Frames of the write-ahead log, 40 MB: as ops has it. */
const AUTOCHECKPOINT_PAGES = 20_000

const STAGED = 'staging.collected'

/**
 * Rows are collected in a database file of their own: meanwhile nobody waits, the write-ahead log stays small, and what
 * a killed import leaves is a file in its work directory and nothing in the database. Then one transaction copies them;
 * only the database is written in it, so that it is all or nothing.
 */
export class SqliteImport implements ImportSession {
  readonly #database: Database.Database
  readonly #signal: AbortSignal
  readonly #width: number
  readonly #add: Database.Statement
  readonly #copy: Database.Statement

  constructor(database: Database.Database, { table, columns, conflict, workDirectory, signal }: ImportRequest) {
    this.#database = database
    this.#signal = signal
    this.#width = columns.length
    database.pragma('foreign_keys = ON')
    database.pragma('synchronous = FULL')
    database.pragma(`wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`)
    database.pragma(`cache_size = -${CACHE_KB}`)
    database.prepare('attach database ? as staging').run(join(workDirectory, 'collected.db'))
    // Nobody ever needs it again.
    database.pragma('staging.journal_mode = OFF')
    database.pragma('staging.synchronous = OFF')
    const fields = columns.map((_, index) => `c${index}`)
    // Without types, so that each value stays what it is until it is in its column.
    database.exec(`create table ${STAGED} (number integer primary key, line integer not null, ${fields.join(', ')})`)
    this.#add = database.prepare(
      `insert into ${STAGED} (line, ${fields.join(', ')}) values (?${', ?'.repeat(fields.length)})`,
    )
    const names = columns.map(({ name }) => quote(name))
    const others = names.filter((name) => conflict.do === 'update' && !conflict.key.some((key) => quote(key) === name))
    const update =
      others.length > 0
        ? `do update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}`
        : 'do nothing'
    const onConflict = {
      fail: '',
      skip: 'on conflict do nothing',
      update: conflict.do === 'update' ? `on conflict (${conflict.key.map(quote).join(', ')}) ${update}` : '',
    }[conflict.do]
    this.#copy = database.prepare(
      // Not without a condition, behind which "on conflict" would be read as that of a join.
      `insert into ${table.sql} (${names.join(', ')}) select ${fields.join(', ')} from ${STAGED}
      where number between ? and ? order by number ${onConflict}`,
    )
  }

  async collect(rows: readonly Row[]): Promise<void> {
    this.#database
      .transaction(() => {
        for (const { line, values } of rows) this.#add.run(line, ...values.map(encode))
      })
      .deferred()
  }

  async begin(): Promise<void> {
    await beginImmediate(this.#database, this.#signal)
  }

  async insert(from: number, to: number): Promise<number> {
    try {
      return this.#copy.run(from, to).changes
    } catch (error) {
      throw refusalOf(error) ?? error
    }
  }

  async collected(number: number): Promise<Row> {
    const row = this.#database
      .prepare(`select * from ${STAGED} where number = ?`)
      .safeIntegers()
      .raw()
      .get(number) as Value[]
    return { line: Number(row[1]), values: row.slice(2, 2 + this.#width) }
  }

  async commit({ runId, taskId, columns }: Seal): Promise<void> {
    // The fence: whoever was taken for dead must not write any more.
    const isHeld = this.#database.prepare('select 1 from main.ops_runs where id = ? and ended_at is null').get(runId)
    if (!isHeld) throw new Error('the run was taken away; nothing was imported')
    const set = Object.keys(columns).map((name) => `${quote(name)} = ?`)
    const values = Object.values(columns).map((value) => (value instanceof Date ? value.getTime() : value))
    this.#database.prepare(`update main.imports set ${set.join(', ')} where id = ?`).run(...values, taskId)
    try {
      this.#database.exec('commit')
    } catch (error) {
      throw refusalOf(error) ?? error
    }
  }

  async close(): Promise<void> {
    if (this.#database.inTransaction) this.#database.exec('rollback')
    this.#database.close()
  }
}

function encode(value: Value): Exclude<Value, boolean> {
  return typeof value === 'boolean' ? Number(value) : value
}

/** Constraints, and what triggers raise; every other error is not the fault of a row. */
function refusalOf(error: unknown): RowsRefusedError | undefined {
  const { code = '', message } = error as { code?: string; message: string }
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code) || code === 'SQLITE_ERROR'
    ? new RowsRefusedError(message)
    : undefined
}
