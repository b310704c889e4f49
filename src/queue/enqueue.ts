import type { Database } from 'better-sqlite3'
import { requireValidTasks } from '../task-table/check-task.ts'
import type { TaskIdOf, TaskTable } from '../task-table/task-table.ts'
import { insertForApplication, type PostgresClient } from './postgres/insert-for-application.ts'
import type { EnqueuedTask } from './queue.ts'
import { insertTasks } from './sqlite/insert-tasks.ts'
import { StatementCache } from './sqlite/statements.ts'

export type { PostgresClient }

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

export interface EnqueueOptions {
  /** The task does not start before this time. Default: now. */
  readonly runAt?: Date | undefined
}

/**
 * Adds a task from the application's own code. If a transaction is open, the task is added in it and commits with the
 * rest of the data.
 *
 * @param database the application's connection, or its Drizzle database or transaction
 * @returns the task; on PostgreSQL, a promise of it
 * @throws InvalidTaskError if a column is unknown, missing or has the wrong type; nothing is written then
 */
export function enqueue<Select extends object, Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<Select, Insert>,
  values: NoInfer<Insert>,
  options?: EnqueueOptions,
): EnqueuedTask<TaskIdOf<Select>>
/** Adds many tasks, all or none, and returns them in the same order. */
export function enqueue<Select extends object, Insert extends object>(
  database: SqliteHandle,
  table: TaskTable<Select, Insert>,
  values: readonly NoInfer<Insert>[],
  options?: EnqueueOptions,
): EnqueuedTask<TaskIdOf<Select>>[]
export function enqueue<Select extends object, Insert extends object>(
  database: PostgresHandle,
  table: TaskTable<Select, Insert>,
  values: NoInfer<Insert>,
  options?: EnqueueOptions,
): Promise<EnqueuedTask<TaskIdOf<Select>>>
export function enqueue<Select extends object, Insert extends object>(
  database: PostgresHandle,
  table: TaskTable<Select, Insert>,
  values: readonly NoInfer<Insert>[],
  options?: EnqueueOptions,
): Promise<EnqueuedTask<TaskIdOf<Select>>[]>
export function enqueue(
  database: SqliteHandle | PostgresHandle,
  table: TaskTable,
  values: object | readonly object[],
  { runAt }: EnqueueOptions = {},
): EnqueuedTask | EnqueuedTask[] | Promise<EnqueuedTask | EnqueuedTask[]> {
  const rows = (Array.isArray(values) ? values : [values]) as Record<string, unknown>[]
  const client = clientOf(database)
  if (isPostgres(client)) return enqueueOnPostgres(client, table, rows, runAt, Array.isArray(values))
  requireValidTasks(table, rows)
  const cache = cacheOf(client)
  const insert = () => insertTasks(cache, table, rows, runAt)
  // Inside a transaction this is a savepoint: a caller that catches the error keeps none of the rows.
  const added = rows.length === 1 ? insert() : client.transaction(insert).immediate()
  return Array.isArray(values) ? added : added[0]!
}

async function enqueueOnPostgres(
  client: PostgresClient,
  table: TaskTable,
  rows: readonly Record<string, unknown>[],
  runAt: Date | undefined,
  areMany: boolean,
): Promise<EnqueuedTask | EnqueuedTask[]> {
  requireValidTasks(table, rows)
  const added = await insertForApplication(client, table, rows, runAt)
  return areMany ? added : added[0]!
}

function clientOf(database: SqliteHandle | PostgresHandle): Database | PostgresClient {
  type Client = Database | PostgresClient
  const { $client, session } = database as { $client?: Client; session?: { client?: Client } }
  // A Drizzle transaction has its connection in its session.
  return $client ?? session?.client ?? (database as Client)
}

function isPostgres(client: Database | PostgresClient): client is PostgresClient {
  return typeof (client as { query?: unknown }).query === 'function'
}

const caches = new WeakMap<Database, StatementCache>()

function cacheOf(client: Database): StatementCache {
  let cache = caches.get(client)
  if (!cache) {
    cache = new StatementCache(client)
    caches.set(client, cache)
  }
  return cache
}
