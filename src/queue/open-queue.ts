import { isAbsolute, join } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
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
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) {
    const { PostgresQueue } = await import('./postgres/queue.ts')
    return new PostgresQueue(url)
  }
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1]
  if (path === undefined) throw unknownDatabase(url)
  const { SqliteQueue } = await import('./sqlite/queue.ts')
  return new SqliteQueue(isAbsolute(path) ? path : join(directory, path), { synchronous })
}

function unknownDatabase(url: string): OpsError {
  const shown = url.replace(/:[^:@/]*@/, ':***@')
  return new OpsError('UNKNOWN_DATABASE', `"${shown}" is not a supported database URL.`, {
    exit: exitStatus.configuration,
    suggestions: [
      'use sqlite:<path>, for example sqlite:.ops/ops.db',
      'or postgres://<user>:<password>@<host>:<port>/<database>',
    ],
  })
}
