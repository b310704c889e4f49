import { isAbsolute, join } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
import { redactUrl } from '../redact.ts'
import type { Queue } from './queue.ts'

export class UnknownDatabaseError extends OpsError {
  constructor(url: string) {
    super('UNKNOWN_DATABASE', `"${redactUrl(url)}" is not a database that ops knows.`, {
      exit: exitStatus.configuration,
      suggestions: [
        'use sqlite:<path>, such as sqlite:.ops/ops.db',
        'or postgres://<user>:<password>@<host>:<port>/<database>',
      ],
    })
  }
}

/**
 * Opens the queue of a database by its URL. The driver is imported only for the database that is used.
 *
 * @param url `sqlite:<path>`, the path relative to the project, or `postgres://…`
 * @param directory the project's
 */
export async function openQueue(
  url: string,
  { directory, synchronous = 'FULL' }: { directory: string; synchronous?: 'FULL' | 'NORMAL' | undefined },
): Promise<Queue> {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) {
    const { PostgresQueue } = await import('./postgres/postgres-queue.ts')
    return new PostgresQueue(url)
  }
  const sqlite = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)
  if (!sqlite) throw new UnknownDatabaseError(url)
  const path = sqlite[1]!
  const { SqliteQueue } = await import('./sqlite/sqlite-queue.ts')
  return new SqliteQueue(isAbsolute(path) ? path : join(directory, path), { synchronous })
}
