import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import type { SqliteDatabase } from './open-database.ts'

/** In a file of its own, which is only loaded when a processor queries. */
export function drizzleOf(database: SqliteDatabase): BetterSQLite3Database {
  return drizzle({ client: database })
}
