import type pg from 'pg'
import { explainStatementError } from './explain-error.ts'
import type { Row, Statements } from './statements.ts'

/** One connection to the server, from its start to its end. */
export class Session implements Statements {
  /** The database for messages. */
  readonly name: string
  readonly #client: pg.Client
  readonly #names = new Map<string, string>()
  readonly #endListeners: ((error: Error) => void)[] = []
  #endError: Error | undefined
  #reason: Error | undefined
  #sent = 0
  #ended = 0

  constructor(client: pg.Client, name: string) {
    this.#client = client
    this.name = name
    // Without a listener for errors, losing an idle connection would end the process.
    client.on('error', (error) => this.#end(error))
    client.on('end', () => this.#end(new Error(`The connection to ${name} was closed.`)))
  }

  get hasEnded(): boolean {
    return this.#endError !== undefined
  }

  /** The number of the statement that waits for its answer; undefined if none does. */
  get pending(): number | undefined {
    return this.#sent > this.#ended ? this.#sent : undefined
  }

  onEnd(listener: (error: Error) => void): void {
    if (this.#endError) listener(this.#endError)
    else this.#endListeners.push(listener)
  }

  onNotification(listener: (payload: string) => void): void {
    this.#client.on('notification', ({ payload }) => listener(payload ?? ''))
  }

  onNotice(listener: (message: string) => void): void {
    this.#client.on('notice', ({ message }) => listener(message ?? ''))
  }

  async query(text: string, values?: readonly unknown[], types?: pg.CustomTypesConfig): Promise<Row[]> {
    return this.#run({ text, ...(values && { values: [...values] }), ...(types && { types }) })
  }

  /** The same for a repeated statement, which the server parses and plans once. */
  async prepared(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `ops_${this.#names.size + 1}`
      this.#names.set(text, name)
    }
    return this.#run({ name, text, values: [...values] })
  }

  /** The type oids of a table's columns, by name. */
  async columnTypes(table: string): Promise<Readonly<Record<string, number>>> {
    const { fields } = await this.#client.query(`select * from ${table} limit 0`)
    return Object.fromEntries(fields.map(({ name, dataTypeID }) => [name, dataTypeID]))
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.query('begin')
    try {
      const result = await work()
      await this.query('commit')
      return result
    } catch (error) {
      // Fails only if the session has ended, and the transaction with it.
      await this.query('rollback').catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  /**
   * Ends it without waiting for the server.
   *
   * @param reason what the statement fails with that is under way; by default, what it fails with anyway
   */
  destroy(reason?: Error): void {
    this.#reason ??= reason
    this.#end(reason ?? new Error(`The connection to ${this.name} was aborted.`))
    this.#client.end().catch(() => {})
    // Where nothing is acknowledged, a goodbye would be waited for.
    this.#client.connection.stream.destroy()
  }

  async #run(query: pg.QueryConfig): Promise<Row[]> {
    this.#sent += 1
    try {
      const result = await this.#client.query(query)
      return result.rows
    } catch (error) {
      // After anything but the server's answer to the statement, the connection is not usable.
      if ((error as { severity?: string }).severity !== 'ERROR') this.destroy()
      throw this.#reason ?? explainStatementError(this.name, error as Error)
    } finally {
      this.#ended += 1
    }
  }

  #end(error: Error): void {
    if (this.#endError) return
    this.#endError = error
    for (const listener of this.#endListeners) listener(error)
  }
}
