import type { Database } from 'better-sqlite3'
import { InvalidTaskError } from '../errors.ts'
import { checkTask } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { insertTasks } from './sqlite/insert-tasks.ts'
import { StatementCache } from './sqlite/statement-cache.ts'

/** A better-sqlite3 database, or a Drizzle database or transaction on one. */
export type SqliteHandle =
  | Database
  | { readonly $client: Database }
  | { run(query: never): unknown; transaction: unknown }

const caches = new WeakMap<Database, StatementCache>()

/**
 * Adds a task from the application's own code, inside the application's own transaction where one is open: the task
 * is there exactly when the rest of the data is.
 *
 * @param database what the application writes with; in a Drizzle transaction, the transaction
 * @returns the task's id, by which people name it
 * @throws InvalidTaskError when a column is unknown, missing or of the wrong type; nothing is written then
 */
export function enqueue<Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<object, Insert>,
  values: NoInfer<Insert>,
  options?: { runAt?: Date },
): number
/** Adds many tasks at once, all or none; the ids come in the order of the tasks. */
export function enqueue<Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<object, Insert>,
  values: readonly NoInfer<Insert>[],
  options?: { runAt?: Date },
): number[]
export function enqueue(
  database: SqliteHandle,
  table: TaskTable,
  values: object | readonly object[],
  { runAt }: { runAt?: Date } = {},
): number | number[] {
  const rows = (Array.isArray(values) ? values : [values]) as Record<string, unknown>[]
  for (const [index, row] of rows.entries()) {
    const problems = checkTask(table, row)
    if (problems.length > 0)
      throw new InvalidTaskError(rows.length > 1 ? `${table.name}, task ${index + 1}` : table.name, problems)
  }
  const client = clientOf(database)
  const cache = cacheOf(client)
  const insert = () => insertTasks(cache, table, rows, runAt).map(({ id }) => id as number)
  // Inside a transaction this is a savepoint: whoever catches the error and goes on keeps none of the rows.
  const ids = rows.length === 1 ? insert() : client.transaction(insert).immediate()
  return Array.isArray(values) ? ids : ids[0]!
}

function clientOf(database: SqliteHandle): Database {
  const { $client, session } = database as { $client?: Database; session?: { client?: Database } }
  // A Drizzle transaction keeps its connection in its session; it is the connection of the whole database.
  return $client ?? session?.client ?? (database as Database)
}

function cacheOf(client: Database): StatementCache {
  let cache = caches.get(client)
  if (!cache) {
    cache = new StatementCache(client)
    caches.set(client, cache)
  }
  return cache
}
