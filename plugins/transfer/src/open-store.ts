import type { Store } from './store.ts'

/** @param database Drizzle, as processors get it */
export async function openStore(database: { readonly $client: unknown }): Promise<Store> {
  const client = database.$client as { prepare?: unknown }
  // better-sqlite3 has prepare, a pool of pg does not. Only the side that is needed is imported.
  if (typeof client.prepare === 'function') {
    const { SqliteStore } = await import('./sqlite/sqlite-store.ts')
    return new SqliteStore(client as never)
  }
  const { PostgresStore } = await import('./postgres/postgres-store.ts')
  return new PostgresStore(client as never)
}
