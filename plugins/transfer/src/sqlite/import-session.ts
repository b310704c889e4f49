import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TaskError } from '@ops-cli/core'
import type Database from 'better-sqlite3'
import {
  type ImportRequest,
  type ImportResult,
  type ImportSession,
  type Row,
  RowsRejectedError,
  type Value,
} from '../store.ts'
import { onConflict, quote } from '../table.ts'

/** Page cache: pages of indexes whose order differs from the file are written less often. */
const CACHE_KB = 32 * 1024

/** Frames of the write-ahead log, 40 MB, as in ops. */
const AUTOCHECKPOINT_PAGES = 20_000

const STAGED = 'staging.rows'

/**
 * Rows are staged in a database file of their own: nobody waits meanwhile, the write-ahead log stays small, and a killed
 * import leaves a file in its work directory and nothing in the database. Then one transaction copies them. It writes to
 * the database only, so it is all or nothing.
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
    database.prepare('attach database ? as staging').run(join(workDirectory, 'staging.db'))
    // It is never read again after a crash.
    database.pragma('staging.journal_mode = OFF')
    database.pragma('staging.synchronous = OFF')
    const fields = columns.map((_, index) => `c${index}`)
    // Without types, so that values are not converted before they are in their columns.
    database.exec(`create table ${STAGED} (number integer primary key, line integer not null, ${fields.join(', ')})`)
    this.#add = database.prepare(
      `insert into ${STAGED} (line, ${fields.join(', ')}) values (?${', ?'.repeat(fields.length)})`,
    )
    const names = columns.map(({ name }) => quote(name))
    this.#copy = database.prepare(
      // The parser needs a WHERE before ON CONFLICT, which it would take for the ON of a join.
      `insert into ${table.sql} (${names.join(', ')}) select ${fields.join(', ')} from ${STAGED}
      where number between ? and ? order by number ${onConflict(conflict, columns)}`,
    )
  }

  async stage(rows: readonly Row[]): Promise<void> {
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
      throw rejectionOf(error) ?? error
    }
  }

  async staged(number: number): Promise<Row> {
    const row = this.#database
      .prepare(`select * from ${STAGED} where number = ?`)
      .safeIntegers()
      .raw()
      .get(number) as Value[]
    return { line: Number(row[1]), values: row.slice(2, 2 + this.#width) }
  }

  async commit({ runId, taskId, columns }: ImportResult): Promise<void> {
    // The fence: a worker that was declared dead must not write any more.
    const isHeld = this.#database.prepare('select 1 from main.ops_runs where id = ? and ended_at is null').get(runId)
    if (!isHeld) throw new Error('the run was taken away; nothing was imported')
    const set = Object.keys(columns).map((name) => `${quote(name)} = ?`)
    const values = Object.values(columns).map((value) => (value instanceof Date ? value.getTime() : value))
    this.#database.prepare(`update main.imports set ${set.join(', ')} where id = ?`).run(...values, taskId)
    try {
      this.#database.exec('commit')
    } catch (error) {
      throw rejectionOf(error) ?? error
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

/** Constraints, and errors raised by triggers; no other error is caused by a row. */
function rejectionOf(error: unknown): RowsRejectedError | undefined {
  const { code = '', message } = error as { code?: string; message: string }
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code) || code === 'SQLITE_ERROR'
    ? new RowsRejectedError(message)
    : undefined
}

/** Between two attempts: shorter than the gaps that a worker leaves between short tasks. */
const RETRY_MS = 0.2

/** How long the thread itself waits; after that, the event loop turns between attempts. */
const BLOCKING_LIMIT_MS = 20

const LOCK_LIMIT_MS = 60_000

const cell = new Int32Array(new SharedArrayBuffer(4))

/**
 * Begins a write transaction as soon as the lock is free. SQLite's lock is not fair, and its own waiting sleeps up to
 * 100 ms at a time, which misses every gap.
 */
async function beginImmediate(database: Database.Database, signal: AbortSignal): Promise<void> {
  const begin = database.prepare('begin immediate')
  const startedAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    try {
      begin.run()
      return
    } catch (error) {
      if (!isBusy(error)) throw error
      const waitedMs = performance.now() - startedAt
      if (waitedMs > LOCK_LIMIT_MS)
        throw new TaskError(
          'the database was locked by another program for 60 s; end its transaction, then retry the task',
          { cause: error },
        )
      if (waitedMs < BLOCKING_LIMIT_MS) Atomics.wait(cell, 0, 0, RETRY_MS)
      else await delay(1)
    }
  }
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code))
}
