import type { LivingWorker, WorkerIdentity } from '../queue.ts'
import type { Connection } from './connection.ts'

/** How long another program may keep a worker from saying that it has stopped. */
const STOP_WITHIN_MS = 1000

const INSERT = `insert into ops_workers (id, host, pid, version, started_at, state, task_tables)
values (?, ?, ?, ?, ?, 'polling', ?)`

/** Takes the lock of a worker and registers it. */
export async function startWorker(connection: Connection, { id, host, pid, version }: WorkerIdentity): Promise<void> {
  connection.workerLocks.acquire(id)
  const insert = connection.sql(INSERT)
  await connection.lock.writeUntilStop(() => insert.run(id, host, pid, version, Date.now(), null))
  connection.wakeUp.listen()
}

export function livingWorkers(connection: Connection): LivingWorker[] {
  const text = 'select id, task_tables as tables from ops_workers where stopped_at is null order by started_at'
  return (connection.sql(text).all() as { id: string; tables: string | null }[])
    .filter(({ id }) => connection.workerLocks.isHeld(id))
    .map(({ id, tables }) => ({ id, tables: tables === null ? undefined : JSON.parse(tables) }))
}

/** Also registers the worker if the database does not know it: another file may have taken the place of the first. */
export async function recordTables(
  connection: Connection,
  { id, host, pid, version }: WorkerIdentity,
  tables: readonly string[],
): Promise<void> {
  const upsert = connection.sql(
    `${INSERT} on conflict (id) do update set task_tables = excluded.task_tables, state = 'polling', stopped_at = null`,
  )
  await connection.lock.writeUntilStop(() => upsert.run(id, host, pid, version, Date.now(), JSON.stringify(tables)))
}

/** Records that a worker has stopped and releases its lock. */
export async function stopWorker(connection: Connection, id: string): Promise<void> {
  const update = connection.sql(`update ops_workers set state = 'stopped', stopped_at = ? where id = ?`)
  // Only for people: the lock tells who is alive, and another program or a full disk must not keep this one from ending.
  await connection.lock.write(() => update.run(Date.now(), id), STOP_WITHIN_MS).catch(() => {})
  connection.workerLocks.release()
}
