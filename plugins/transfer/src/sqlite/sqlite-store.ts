import type Database from 'better-sqlite3'
import type { ExportChunk, ExportRequest, ImportRequest, ImportSession, Store } from '../store.ts'
import type { Table } from '../table.ts'
import { describeTable } from './describe-table.ts'
import { exportRows } from './export-rows.ts'
import { SqliteImport } from './import-session.ts'

export class SqliteStore implements Store {
  readonly #client: Database.Database

  /** @param client the connection of ops, which is only read from */
  constructor(client: Database.Database) {
    this.#client = client
  }

  async describe(name: string, use: 'import' | 'export'): Promise<Table> {
    return describeTable(this.#client, name, use)
  }

  async beginImport(request: ImportRequest): Promise<ImportSession> {
    return new SqliteImport(this.#connect({ readonly: false }), request)
  }

  async countRows({ table }: Pick<ExportRequest, 'table'>): Promise<number | undefined> {
    return this.#client.prepare(`select count(*) from ${table.sql}`).pluck().get() as number
  }

  async *rows(request: ExportRequest): AsyncIterable<ExportChunk> {
    const connection = this.#connect({ readonly: true })
    try {
      yield* exportRows(connection, request)
    } finally {
      connection.close()
    }
  }

  /**
   * A separate connection with the same copy of the library: another copy in this process would release the locks of ops
   * on the file when it closes it (sqlite.org/howtocorrupt.html, 2.2).
   */
  #connect(options: { readonly: boolean }): Database.Database {
    const Connection = this.#client.constructor as typeof Database
    return new Connection(this.#client.name, { ...options, timeout: 0 })
  }
}
