import { exitStatus, OpsError } from '../errors.ts'
import { databaseUrlFacts } from './database-url.ts'
import type { Queue } from './queue.ts'

/**
 * Opens the queue of a database. Only the driver of that database is imported.
 *
 * @param url `sqlite:<path>`, relative to the project, or `postgres://…`
 * @param directory the project's
 */
export async function openQueue(
  url: string,
  { directory, synchronous = 'FULL' }: { directory: string; synchronous?: 'FULL' | 'NORMAL' | undefined },
): Promise<Queue> {
  const { file, isShared, redactedUrl } = databaseUrlFacts(url, directory)
  if (isShared) {
    const { PostgresQueue } = await import('./postgres/queue.ts')
    return new PostgresQueue(url)
  }
  if (file !== undefined) {
    const { SqliteQueue } = await import('./sqlite/queue.ts')
    return new SqliteQueue(file, { synchronous })
  }
  throw new OpsError('UNKNOWN_DATABASE', `"${redactedUrl}" is not a supported database URL.`, {
    exit: exitStatus.configuration,
    suggestions: [
      'use sqlite:<path>, such as sqlite:.ops/ops.db',
      'use postgres://<user>:<password>@<host>:<port>/<database>',
    ],
  })
}

/** Moves the file of a SQLite database. See `moveDatabase`; the driver is imported only now. */
export async function moveDatabaseFile(
  from: string,
  to: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<string> {
  const { moveDatabase } = await import('./sqlite/move-database.ts')
  return moveDatabase(from, to, owner)
}

/** Undoes a move. See `returnDatabase`. */
export async function returnDatabaseFile(from: string, to: string): Promise<void> {
  const { returnDatabase } = await import('./sqlite/move-database.ts')
  returnDatabase(from, to)
}
