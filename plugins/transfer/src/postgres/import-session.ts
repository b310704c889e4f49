import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type pg from 'pg'
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams'
import {
  type ImportRequest,
  type ImportResult,
  type ImportSession,
  type Row,
  RowsRejectedError,
  type Value,
} from '../store.ts'
import { onConflict, quote } from '../table.ts'

const STAGED = 'pg_temp.ops_staged'

/**
 * Rows are staged as texts in a temporary table, with COPY; then they go into the table. A row that the server rejects is
 * known by its line. All of it is one transaction: a killed import leaves nothing.
 */
export class PostgresImport implements ImportSession {
  readonly #client: pg.PoolClient
  readonly #request: ImportRequest
  #copy: CopyStreamQuery | undefined
  #copying: Promise<void> | undefined
  #insertion = ''
  #count = 0
  #isCommitted = false

  constructor(client: pg.PoolClient, request: ImportRequest) {
    this.#client = client
    this.#request = request
  }

  /** @param begin the statement that begins the transaction */
  async open(begin: string): Promise<void> {
    try {
      await this.#client.query(begin)
      const fields = this.#request.columns.map((_, index) => `c${index} text`)
      await this.#client.query(
        `create temp table ops_staged (number bigint, line bigint, ${fields.join(', ')}) on commit drop`,
      )
      this.#insertion = await this.#insertStatement()
      this.#copy = this.#client.query(copyFrom(`copy ${STAGED} from stdin with (format csv)`))
      this.#copying = finished(this.#copy)
      // The error is thrown where it is awaited.
      this.#copying.catch(() => {})
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async stage(rows: readonly Row[]): Promise<void> {
    let text = ''
    for (const { line, values } of rows) {
      this.#count += 1
      text += `${this.#count},${line},${values.map(encode).join(',')}\n`
    }
    if (text === '' || this.#copy!.write(text)) return
    await Promise.race([once(this.#copy!, 'drain'), this.#copying])
  }

  async begin(): Promise<void> {
    const copy = this.#copy!
    this.#copy = undefined
    copy.end()
    await this.#copying
    await this.#client.query(`create unique index on ${STAGED} (number); analyze ${STAGED}`)
  }

  async insert(from: number, to: number): Promise<number> {
    await this.#client.query('savepoint rows')
    try {
      const { rowCount } = await this.#client.query(this.#insertion, [from, to])
      await this.#client.query('release rows')
      // Of rows with the same key only the last one is written; the others count as on SQLite.
      return this.#request.conflict.do === 'update' ? to - from + 1 : (rowCount ?? 0)
    } catch (error) {
      const rejection = rejectionOf(error)
      if (!rejection) throw error
      await this.#client.query('rollback to rows')
      throw rejection
    }
  }

  async staged(number: number): Promise<Row> {
    const query = { text: `select * from ${STAGED} where number = $1`, values: [number], rowMode: 'array' as const }
    const { rows } = await this.#client.query(query)
    const [, line, ...values] = rows[0] as [unknown, unknown, ...Value[]]
    return { line: Number(line), values }
  }

  async commit({ runId, taskId, columns }: ImportResult): Promise<void> {
    // The fence: a worker that was declared dead must not write any more, and nobody may end the run before the commit.
    const held = await this.#client.query('select 1 from ops_runs where id = $1 and ended_at is null for share', [
      runId,
    ])
    if (held.rowCount === 0) throw new Error('the run was taken away; nothing was imported')
    await this.#advanceSequences()
    const set = Object.keys(columns).map((name, index) => `${quote(name)} = $${index + 2}`)
    await this.#client.query(`update imports set ${set.join(', ')} where id = $1`, [taskId, ...Object.values(columns)])
    await this.#client.query('commit')
    this.#isCommitted = true
  }

  async close(): Promise<void> {
    this.#copy?.destroy()
    await this.#copying?.catch(() => {})
    let failure: Error | undefined
    if (!this.#isCommitted) {
      await this.#client.query('rollback').catch((error: Error) => {
        failure = error
      })
    }
    this.#client.release(failure)
  }

  async #insertStatement(): Promise<string> {
    const { table, columns, conflict } = this.#request
    const names = columns.map(({ name }) => quote(name))
    const fields = columns.map(({ castTo }, index) => `c${index}::${castTo}`)
    const key = conflict.do === 'update' ? conflict.key : []
    const keyFields = key.map((name) => fields[columns.findIndex((column) => column.name === name)])
    // One statement cannot update a row twice.
    const distinct = key.length > 0 ? `distinct on (${keyFields.join(', ')})` : ''
    const order = [...keyFields, key.length > 0 ? 'number desc' : 'number'].join(', ')
    const overriding = (await this.#hasFixedIdentity()) ? 'overriding system value' : ''
    return `insert into ${table.sql} (${names.join(', ')}) ${overriding}
      select ${distinct} ${fields.join(', ')} from ${STAGED} where number between $1 and $2 order by ${order} ${onConflict(conflict, columns)}`
  }

  async #hasFixedIdentity(): Promise<boolean> {
    const { rows } = await this.#client.query(
      `select attname from pg_attribute where attrelid = $1::regclass and attidentity = 'a'`,
      [this.#request.table.sql],
    )
    return rows.some(({ attname }) => this.#request.columns.some(({ name }) => name === attname))
  }

  /** Numbers that came from the file must not be assigned again. */
  async #advanceSequences(): Promise<void> {
    const { table, columns } = this.#request
    for (const { name } of columns.filter(({ kind }) => kind === 'integer')) {
      const { rows } = await this.#client.query('select pg_get_serial_sequence($1, $2) as sequence', [table.sql, name])
      const { sequence } = rows[0]
      if (sequence === null) continue
      const highest = `(select max(${quote(name)}) as highest from ${table.sql}) rows`
      await this.#client.query(
        `select setval($1, highest) from ${highest} where highest >= (select last_value from ${sequence})`,
        [sequence],
      )
    }
  }
}

/** CSV for the server: null is an empty field, everything else is quoted. */
function encode(value: Value): string {
  if (value === null) return ''
  const text = typeof value === 'object' ? `\\x${value.toString('hex')}` : String(value)
  return `"${text.replaceAll('"', '""')}"`
}

/** Invalid values, constraints, and errors raised by triggers; no other error is caused by a row. */
function rejectionOf(error: unknown): RowsRejectedError | undefined {
  const { code = '', message } = error as { code?: string; message: string }
  if (!/^(22|23|44|P0|21)/.test(code)) return undefined
  // The detail quotes the row, and so does the end of a message about a value.
  return new RowsRejectedError(code.startsWith('22') ? message.replace(/: ".*$/s, '') : message)
}
