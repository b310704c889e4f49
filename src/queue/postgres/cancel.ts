import type { Status } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { CancelResult, RetryResult, TaskId } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'
import { asActor, recordEvent } from './statements.ts'

/**
 * Cancels a pending task, or marks the run of an ongoing one for its worker. The caller has a transaction open.
 */
export async function cancel(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
  const status = await lockedStatus(session, table, id)
  if (status === undefined) return undefined
  if (status === 'ongoing' && (await requestCancel(session, table, id, actor))) return { change: 'asked', status }
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

/** Marks the open run; false if it has no worker that would see the mark. */
async function requestCancel(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<boolean> {
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

/** Makes a failed or canceled task pending again. Its error stays until it runs. */
export async function retry(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
  const status = await lockedStatus(session, table, id)
  if (status === undefined) return undefined
  if (status !== 'failed' && status !== 'canceled') return { change: 'none', status }
  await asActor(session, actor)
  const set = [`status = 'pending'`, ...(columnNamed(table, 'run_at') ? ['run_at = now()'] : [])]
  await session.query(`update ${quote(table.name)} set ${set.join(', ')} where id = $1`, [id])
  return { change: 'retried', status: 'pending' }
}

export async function makeDue(session: Session, table: TaskTable, id: TaskId): Promise<void> {
  const text = `update ${quote(table.name)} set run_at = created_at where id = $1 and status = 'pending'`
  await session.query(text, [id])
}

/** Locks the task, so that its status does not change before the end of the transaction. */
async function lockedStatus(session: Session, table: TaskTable, id: TaskId): Promise<Status | undefined> {
  const [row] = await session.query(`select status from ${quote(table.name)} where id = $1 for no key update`, [id])
  return row?.status
}
