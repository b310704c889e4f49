import type { Database } from 'better-sqlite3'
import { InvalidTaskError } from '../errors.ts'
import { checkTask } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { insertForApplication, type PostgresClient } from './postgres/application.ts'
import { insertTasks } from './sqlite/insert-tasks.ts'
import { StatementCache } from './sqlite/statement-cache.ts'

/** A better-sqlite3 database, or a Drizzle database or transaction on one. */
export type SqliteHandle =
  | Database
  | { readonly $client: Database }
  | { run(query: never): unknown; transaction: unknown }

/** A client or a pool of `pg`, or a Drizzle database or transaction on one. */
export type PostgresHandle =
  | PostgresClient
  | { readonly $client: PostgresClient }
  | { execute(query: never): unknown; transaction: unknown }

const caches = new WeakMap<Database, StatementCache>()

interface EnqueueOptions {
  runAt?: Date
}

/**
 * Adds a task from the application's own code, inside the application's own transaction where one is open: the task
 * is there exactly when the rest of the data is.
 *
 * @param database what the application writes with; in a Drizzle transaction, the transaction
 * @returns the task's id, by which people name it; on PostgreSQL a promise of it
 * @throws InvalidTaskError when a column is unknown, missing or of the wrong type; nothing is written then
 */
export function enqueue<Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<object, Insert>,
  values: NoInfer<Insert>,
  options?: EnqueueOptions,
): number
/** Adds many tasks at once, all or none; the ids come in the order of the tasks. */
export function enqueue<Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<object, Insert>,
  values: readonly NoInfer<Insert>[],
  options?: EnqueueOptions,
): number[]
export function enqueue<Insert extends object>(
  database: PostgresHandle,
  table: TaskTable<object, Insert>,
  values: NoInfer<Insert>,
  options?: EnqueueOptions,
): Promise<number>
export function enqueue<Insert extends object>(
  database: PostgresHandle,
  table: TaskTable<object, Insert>,
  values: readonly NoInfer<Insert>[],
  options?: EnqueueOptions,
): Promise<number[]>
export function enqueue(
  database: SqliteHandle | PostgresHandle,
  table: TaskTable,
  values: object | readonly object[],
  { runAt }: EnqueueOptions = {},
): number | number[] | Promise<number | number[]> {
  const rows = (Array.isArray(values) ? values : [values]) as Record<string, unknown>[]
  const client = clientOf(database)
  if (isPostgres(client)) return enqueueOnPostgres(client, table, rows, runAt, Array.isArray(values))
  check(table, rows)
  const cache = cacheOf(client)
  const insert = () => insertTasks(cache, table, rows, runAt).map(({ id }) => id as number)
  // Inside a transaction this is a savepoint: whoever catches the error and goes on keeps none of the rows.
  const ids = rows.length === 1 ? insert() : client.transaction(insert).immediate()
  return Array.isArray(values) ? ids : ids[0]!
}

async function enqueueOnPostgres(
  client: PostgresClient,
  table: TaskTable,
  rows: readonly Record<string, unknown>[],
  runAt: Date | undefined,
  areMany: boolean,
): Promise<number | number[]> {
  check(table, rows)
  const ids = (await insertForApplication(client, table, rows, runAt)).map(({ id }) => id as number)
  return areMany ? ids : ids[0]!
}

function check(table: TaskTable, rows: readonly Record<string, unknown>[]): void {
  for (const [index, row] of rows.entries()) {
    const problems = checkTask(table, row)
    if (problems.length > 0)
      throw new InvalidTaskError(rows.length > 1 ? `${table.name}, task ${index + 1}` : table.name, problems)
  }
}

function clientOf(database: SqliteHandle | PostgresHandle): Database | PostgresClient {
  type Client = Database | PostgresClient
  const { $client, session } = database as { $client?: Client; session?: { client?: Client } }
  // A Drizzle transaction keeps its connection in its session.
  return $client ?? session?.client ?? (database as Client)
}

function isPostgres(client: Database | PostgresClient): client is PostgresClient {
  return typeof (client as { query?: unknown }).query === 'function'
}

function cacheOf(client: Database): StatementCache {
  let cache = caches.get(client)
  if (!cache) {
    cache = new StatementCache(client)
    caches.set(client, cache)
  }
  return cache
}
