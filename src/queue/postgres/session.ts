import type pg from 'pg'
import { DatabaseUnusableError } from '../../errors.ts'

// biome-ignore lint/suspicious/noExplicitAny: who writes the statement knows the columns
export type Row = Record<string, any>

/** What runs statements: a session of ops, or the connection of an application. */
export interface Statements {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>
}

/** One connection to the server while it lasts. */
export class Session implements Statements {
  /** The database as people may see it. */
  readonly name: string
  readonly #client: pg.Client
  readonly #names = new Map<string, string>()
  readonly #onEnd: ((error: Error) => void)[] = []
  #ending: Error | undefined

  constructor(client: pg.Client, name: string) {
    this.#client = client
    this.name = name
    // Without a listener for errors the loss of an idle connection would end the process.
    client.on('error', (error) => this.#end(error))
    client.on('end', () => this.#end(new Error(`The connection to ${name} has ended.`)))
  }

  get isOver(): boolean {
    return this.#ending !== undefined
  }

  whenOver(listener: (error: Error) => void): void {
    if (this.#ending) listener(this.#ending)
    else this.#onEnd.push(listener)
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

  /** The same for a statement that comes again and again: the server parses and plans it once. */
  async prepared(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    let name = this.#names.get(text)
    if (name === undefined) {
      name = `ops_${this.#names.size + 1}`
      this.#names.set(text, name)
    }
    return this.#run({ name, text, values: [...values] })
  }

  /** The types of a table's columns, by their names. */
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
      // Fails only where the session is over, and the transaction with it.
      await this.query('rollback').catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  destroy(): void {
    this.#end(new Error(`The connection to ${this.name} was given up.`))
    this.#client.end().catch(() => {})
  }

  async #run(query: pg.QueryConfig): Promise<Row[]> {
    try {
      const result = await this.#client.query(query)
      return result.rows
    } catch (error) {
      // What is not the server's answer to the statement leaves no connection behind.
      if ((error as { severity?: string }).severity !== 'ERROR') this.destroy()
      throw explained(this.name, error as Error & { code?: string })
    }
  }

  #end(error: Error): void {
    if (this.#ending) return
    this.#ending = error
    for (const listener of this.#onEnd) listener(error)
  }
}

/** A database that nobody has migrated lacks what every statement of ops needs. */
function explained(name: string, error: Error & { code?: string }): Error {
  const isMissing = error.code === '42P01' || error.code === '42883'
  if (!isMissing || !/\bops_/.test(error.message)) return error
  return new DatabaseUnusableError(name, `it lacks what ops needs: ${error.message}`, {
    cause: error,
    suggestions: ['create it: ops migrate'],
  })
}
