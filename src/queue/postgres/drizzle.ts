import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { CONNECT_TIMEOUT_MS } from './explain-error.ts'

/** A worker performs one task at a time. */
const CONNECTIONS = 4

export interface DrizzlePool {
  readonly database: NodePgDatabase
  /** Gives up its connections, whose queries fail; the next query opens another. */
  drop(): void
  close(): Promise<void>
}

/** Drizzle on its own connections, so that a processor's transactions do not mix with those of ops. */
export function drizzleOn(url: string): DrizzlePool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'ops task',
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  })
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  // A lost idle connection is replaced by the next query.
  pool.on('error', () => {})
  return {
    database: drizzle({ client: pool }),
    drop() {
      for (const client of clients) client.connection.stream.destroy()
    },
    close: () => pool.end(),
  }
}
