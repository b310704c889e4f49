import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'

/** Few, since a worker performs one task at a time. */
const CONNECTIONS = 4

export interface DrizzlePool {
  readonly database: NodePgDatabase
  close(): Promise<void>
}

/** Drizzle on connections of its own, so that the transactions of a processor are not mixed with those of ops. */
export function drizzleOn(url: string): DrizzlePool {
  const pool = new pg.Pool({ connectionString: url, application_name: 'ops task', max: CONNECTIONS })
  // An idle connection that is lost is replaced with the next query.
  pool.on('error', () => {})
  return { database: drizzle({ client: pool }), close: () => pool.end() }
}
