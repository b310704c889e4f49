import type { Store } from './store.ts'

/** @param database the Drizzle that a processor is given */
export async function openStore(database: { readonly $client: unknown }): Promise<Store> {
  const client = database.$client as { prepare?: unknown }
  // better-sqlite3 prepares, a pool of pg connects. Only the driver's own side is imported.
  if (typeof client.prepare === 'function') {
    const { SqliteStore } = await import('./sqlite/sqlite-store.ts')
    return new SqliteStore(client as never)
  }
  const { PostgresStore } = await import('./postgres/postgres-store.ts')
  return new PostgresStore(client as never)
}
