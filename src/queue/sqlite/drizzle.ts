import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import type { SqliteDatabase } from './open-database.ts'

export function drizzleOf(database: SqliteDatabase): BetterSQLite3Database {
  return drizzle({ client: database })
}
