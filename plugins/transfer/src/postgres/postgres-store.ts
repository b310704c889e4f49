import type pg from 'pg'
import type { ExportChunk, ExportRequest, ImportRequest, ImportSession, Store } from '../store.ts'
import type { Table } from '../table.ts'
import { describeTable } from './describe-table.ts'
import { exportRows } from './export-rows.ts'
import { PostgresImport } from './import-session.ts'

/** Undoes settings of the pool's connections, so that values are read and written in one format. */
const SETTINGS = [
  `timezone to 'UTC'`,
  `datestyle to 'ISO'`,
  `intervalstyle to 'postgres'`,
  `bytea_output to 'hex'`,
  'extra_float_digits to 1',
  'statement_timeout to 0',
  'idle_in_transaction_session_timeout to 0',
  ...['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_bitmapscan', 'jit'].map(
    (name) => `${name} to default`,
  ),
]
  .map((setting) => `set local ${setting}`)
  .join('; ')

export class PostgresStore implements Store {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async describe(name: string, use: 'import' | 'export'): Promise<Table> {
    return describeTable(this.#pool, name, use)
  }

  async beginImport(request: ImportRequest): Promise<ImportSession> {
    const session = new PostgresImport(await this.#pool.connect(), request)
    await session.open(`begin; ${SETTINGS}`)
    return session
  }

  /** An estimate: counting reads the whole table. */
  async countRows({ table }: Pick<ExportRequest, 'table'>): Promise<number | undefined> {
    const { rows } = await this.#pool.query('select reltuples from pg_class where oid = $1::regclass', [table.sql])
    const estimate = Number(rows[0]?.reltuples)
    return estimate > 0 ? estimate : undefined
  }

  async *rows(request: ExportRequest): AsyncIterable<ExportChunk> {
    const client = await this.#pool.connect()
    let failure: Error | undefined
    try {
      await client.query(`begin isolation level repeatable read read only; ${SETTINGS}`)
      yield* exportRows(client, request)
      await client.query('rollback')
    } catch (error) {
      failure = error as Error
      throw error
    } finally {
      // A connection with a canceled COPY cannot be used again.
      client.release(failure ?? request.signal.aborted)
    }
  }
}
