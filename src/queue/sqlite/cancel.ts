import type { Status } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { CancelResult, RetryResult, TaskId } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { asActor, recordEvent } from './statements.ts'
import { instant } from './values.ts'

/** Cancels a pending task, or marks the run of an ongoing one for its worker. */
export function cancel(connection: Connection, table: TaskTable, id: TaskId, actor: string): CancelResult {
  const status = statusOf(connection, table, id)
  if (status === undefined) return undefined
  if (status === 'ongoing' && requestCancel(connection, table, id, actor)) return { change: 'asked', status }
  if (status !== 'pending' && status !== 'ongoing') return { change: 'none', status }
  const finishedAt = columnNamed(table, 'finished_at')
  const set = [
    `status = 'canceled'`,
    ...(columnNamed(table, 'error') ? ['error = ?'] : []),
    ...(finishedAt ? ['finished_at = ?'] : []),
  ]
  const bound = [
    ...(columnNamed(table, 'error') ? [`canceled by ${actor}`] : []),
    ...(finishedAt ? [instant(finishedAt, Date.now())] : []),
  ]
  asActor(connection, actor, () =>
    connection.sql(`update ${quote(table.name)} set ${set.join(', ')} where id = ?`).run(...bound, id),
  )
  return { change: 'canceled', status: 'canceled' }
}

/** Marks the open run; false if it has no worker that would see the mark. */
function requestCancel(connection: Connection, table: TaskTable, id: TaskId, actor: string): boolean {
  const run = connection
    .sql(
      `select id, cancel_requested_by as askedBy from ops_runs
       where task_table = ? and task_id = ? and ended_at is null and worker_id <> '${FOREIGN_WRITER}'`,
    )
    .get(table.name, id) as { id: number; askedBy: string | null } | undefined
  if (!run) return false
  if (run.askedBy !== null) return true
  connection
    .sql('update ops_runs set cancel_requested_at = ?, cancel_requested_by = ? where id = ?')
    .run(Date.now(), actor, run.id)
  recordEvent(connection, 'cancel_requested', actor, { table: table.name, id, runId: run.id }, undefined)
  return true
}

/** Makes a failed or canceled task pending again. Its error stays until it runs. */
export function retry(connection: Connection, table: TaskTable, id: TaskId, actor: string): RetryResult {
  const status = statusOf(connection, table, id)
  if (status === undefined) return undefined
  if (status !== 'failed' && status !== 'canceled') return { change: 'none', status }
  const runAt = columnNamed(table, 'run_at')
  const set = [`status = 'pending'`, ...(runAt ? ['run_at = ?'] : [])]
  const bound = runAt ? [instant(runAt, Date.now())] : []
  asActor(connection, actor, () =>
    connection.sql(`update ${quote(table.name)} set ${set.join(', ')} where id = ?`).run(...bound, id),
  )
  return { change: 'retried', status: 'pending' }
}

export function makeDue(connection: Connection, table: TaskTable, id: TaskId): void {
  connection.sql(`update ${quote(table.name)} set run_at = created_at where id = ? and status = 'pending'`).run(id)
}

function statusOf(connection: Connection, table: TaskTable, id: TaskId): Status | undefined {
  return connection
    .sql(`select status from ${quote(table.name)} where id = ?`)
    .pluck()
    .get(id) as Status | undefined
}
