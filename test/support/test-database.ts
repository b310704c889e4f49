import Database from 'better-sqlite3'
import pg from 'pg'
import type { Sql } from './invariants.ts'

/** A database for the processes of one test, as somebody sees it who is not ops. */
export interface TestDatabase {
  readonly url: string
  readonly sql: Sql
  close(): Promise<void>
}

export interface DatabaseKind {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** Why there is none here. */
  readonly missing: string | undefined
  /** The URL of a database that is empty, or will be made in this folder. Inside a test. */
  urlIn(folder: string): Promise<string>
}

export const sqlite: DatabaseKind = {
  name: 'SQLite',
  missing: undefined,
  urlIn: async (folder) => `sqlite:${folder}/ops.db`,
}

/** Opened with the first question, so that it may be made until then. */
export function databaseAt(url: string): TestDatabase {
  return url.startsWith('sqlite:') ? sqliteAt(url) : postgresAt(url)
}

function sqliteAt(url: string): TestDatabase {
  let opened: Database.Database | undefined
  return {
    url,
    async sql(text) {
      opened ??= new Database(url.replace('sqlite:', ''), { timeout: 5000 })
      const statement = opened.prepare(text)
      if (statement.reader) return statement.all() as Record<string, unknown>[]
      statement.run()
      return []
    },
    async close() {
      opened?.close()
    },
  }
}

/** Connects again when the connection was lost. */
function postgresAt(url: string): TestDatabase {
  let opened: pg.Client | undefined
  return {
    url,
    async sql(text) {
      opened ??= await connected(url, (lost) => {
        if (opened === lost) opened = undefined
      })
      return (await opened.query(text)).rows
    },
    async close() {
      await opened?.end()
    },
  }
}

async function connected(url: string, onLost: (client: pg.Client) => void): Promise<pg.Client> {
  const getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
  const client = new pg.Client({ connectionString: url, types: { getTypeParser } })
  client.on('error', () => onLost(client))
  client.on('end', () => onLost(client))
  await client.connect()
  return client
}
