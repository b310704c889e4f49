/** Moving a database file is a matter of SQLite alone; its driver is imported when it comes to it. */
export async function moveDatabaseFile(
  from: string,
  to: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<string> {
  const { moveDatabase } = await import('./sqlite/move-database.ts')
  return moveDatabase(from, to, owner)
}

export async function returnDatabaseFile(from: string, to: string): Promise<void> {
  const { returnDatabase } = await import('./sqlite/move-database.ts')
  returnDatabase(from, to)
}
