import type { TaskTable } from '../../task-table/task-table.ts'
import type { EnqueuedTask } from '../queue.ts'
import { insertTasks } from './insert-tasks.ts'
import type { Row, Statements } from './statements.ts'

/** A client or a pool of `pg`. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: an overloaded method of the driver
  query(text: string, values?: any[]): Promise<{ rows: any[] }>
  connect(): Promise<unknown>
  /** Not in a pool, nor in older versions of the driver. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null
  /** Only in a pool. */
  readonly totalCount?: number
}

/**
 * Inserts tasks through the application's own connection: in its transaction if one is open, otherwise all or none.
 */
export async function insertForApplication(
  client: PostgresClient,
  table: TaskTable,
  rows: readonly Readonly<Record<string, unknown>>[],
  runAt: Date | undefined,
): Promise<EnqueuedTask[]> {
  const insert = (client: PostgresClient) => insertTasks(statementsOf(client), table, rows, runAt)
  if (rows.length === 1) return insert(client)
  if (client.totalCount === undefined) return inTransaction(client, () => insert(client))
  const own = (await client.connect()) as PostgresClient & { release(error?: Error): void }
  try {
    const added = await inTransaction(own, () => insert(own))
    own.release()
    return added
  } catch (error) {
    own.release(error as Error)
    throw error
  }
}

function statementsOf(client: PostgresClient): Statements {
  return { query: async (text, values = []) => (await client.query(text, [...values])).rows as Row[] }
}

/** Inside a transaction this is a savepoint: a caller that catches the error keeps none of the rows. */
async function inTransaction<T>(client: PostgresClient, work: () => Promise<T>): Promise<T> {
  const status = client.getTransactionStatus?.()
  if (status !== 'I' && status !== 'T') return work()
  const [begin, commit, rollback] =
    status === 'I'
      ? ['begin', 'commit', 'rollback']
      : ['savepoint ops_enqueue', 'release savepoint ops_enqueue', 'rollback to savepoint ops_enqueue']
  await client.query(begin!)
  try {
    const result = await work()
    await client.query(commit!)
    return result
  } catch (error) {
    await client.query(rollback!).catch(() => {})
    throw error
  }
}
