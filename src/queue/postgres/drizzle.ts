import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'

/** A worker performs one task at a time. */
const CONNECTIONS = 4

export interface DrizzlePool {
  readonly database: NodePgDatabase
  close(): Promise<void>
}

/** Drizzle on its own connections, so that a processor's transactions do not mix with those of ops. */
export function drizzleOn(url: string): DrizzlePool {
  const pool = new pg.Pool({ connectionString: url, application_name: 'ops task', max: CONNECTIONS })
  // A lost idle connection is replaced by the next query.
  pool.on('error', () => {})
  return { database: drizzle({ client: pool }), close: () => pool.end() }
}
