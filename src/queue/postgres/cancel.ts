import type { Status } from '../../task/lifecycle.ts'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { CancelResult, RetryResult, TaskId } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { asActor, recordEvent } from './record-event.ts'
import type { Session } from './session.ts'
import { columnNamed, quote } from './values.ts'

/**
 * Cancels a pending task; of an ongoing one the run is marked, and its worker sees the mark. Inside a transaction of
 * the caller's.
 */
export async function cancel(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
  const status = await lockedStatus(session, table, id)
  if (status === undefined) return undefined
  if (status === 'ongoing' && (await askForEnd(session, table, id, actor))) return { change: 'asked', status }
  if (status !== 'pending' && status !== 'ongoing') return { change: 'none', status }
  await asActor(session, actor)
  const set = [
    `status = 'canceled'`,
    ...(columnNamed(table, 'error') ? ['error = $2'] : []),
    ...(columnNamed(table, 'finished_at') ? ['finished_at = now()'] : []),
  ]
  const bound = columnNamed(table, 'error') ? [id, `canceled by ${actor}`] : [id]
  await session.query(`update ${quote(table.name)} set ${set.join(', ')} where id = $1`, bound)
  return { change: 'canceled', status: 'canceled' }
}

/** Marks the open run; false where nobody would see the mark, since the run is not that of a worker of ops. */
async function askForEnd(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<boolean> {
  const [run] = await session.query(
    `select id, cancel_requested_by as asked_by from ops_runs
     where task_table = $1 and task_key = $2 and ended_at is null and worker_id <> '${FOREIGN_WRITER}'`,
    [table.name, String(id)],
  )
  if (!run) return false
  if (run.asked_by !== null) return true
  await session.query('update ops_runs set cancel_requested_at = now(), cancel_requested_by = $1 where id = $2', [
    actor,
    run.id,
  ])
  await recordEvent(session, 'cancel_requested', actor, { table: table.name, id, runId: run.id }, undefined)
  return true
}

/** Makes a task pending again that failed or was canceled. What it last failed of stays until it runs. */
export async function retry(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
  const status = await lockedStatus(session, table, id)
  if (status === undefined) return undefined
  if (status !== 'failed' && status !== 'canceled') return { change: 'none', status }
  await asActor(session, actor)
  const set = [`status = 'pending'`, ...(columnNamed(table, 'run_at') ? ['run_at = now()'] : [])]
  await session.query(`update ${quote(table.name)} set ${set.join(', ')} where id = $1`, [id])
  return { change: 'retried', status: 'pending' }
}

/** Locks the task, so that its status stays what it is until the end of the transaction. */
async function lockedStatus(session: Session, table: TaskTable, id: TaskId): Promise<Status | undefined> {
  const [row] = await session.query(`select status from ${quote(table.name)} where id = $1 for no key update`, [id])
  return row?.status
}
