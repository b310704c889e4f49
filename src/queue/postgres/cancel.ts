import type { Status } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { cancelDecision, canRetry } from '../decisions.ts'
import type { CancelResult, RetryResult, TaskId } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { quote } from '../sql-fragments.ts'
import type { Runs } from './runs.ts'
import type { Session } from './session.ts'
import { asActor, type Row, recordEvent } from './statements.ts'

/**
 * Cancels a pending task, or marks the run of an ongoing one for its worker. The caller has a transaction open.
 */
export async function cancel(
  session: Session,
  table: TaskTable,
  id: TaskId,
  actor: string,
  runs: Runs,
): Promise<CancelResult> {
  for (;;) {
    const run = await openRun(session, table, id)
    const hasWorker = run !== undefined && run.worker_id !== FOREIGN_WRITER
    // Without a lock on the task: its worker takes the run first and then the task, when it settles.
    const status = hasWorker ? 'ongoing' : await lockedStatus(session, table, id)
    if (status === undefined) return undefined
    switch (cancelDecision(status, hasWorker)) {
      case 'ask':
        // Otherwise it has ended in between.
        if (await requestCancel(session, table, id, actor, run!)) return { change: 'asked', status }
        continue
      case 'none':
        return { change: 'none', status }
    }
    const error = `canceled by ${actor}`
    if (run)
      await runs.settle(session, { id: run.id, taskId: id, table, endedBy: actor }, { kind: 'canceled', error }, [])
    else await cancelResting(session, table, id, actor, error)
    return { change: 'canceled', status: 'canceled' }
  }
}

async function openRun(session: Session, table: TaskTable, id: TaskId): Promise<Row | undefined> {
  const [run] = await session.query(
    `select r.id, r.worker_id, r.cancel_requested_by as asked_by from ops_open o join ops_runs r on r.id = o.run_id
     where o.scope = $1 and o.what = $2`,
    [table.name, String(id)],
  )
  return run
}

/** Marks the run; false if it has ended. */
async function requestCancel(
  session: Session,
  table: TaskTable,
  id: TaskId,
  actor: string,
  run: Row,
): Promise<boolean> {
  if (run.asked_by !== null) return true
  const [asked] = await session.query(
    `update ops_runs set cancel_requested_at = now(), cancel_requested_by = $1
     where id = $2 and ended_at is null and cancel_requested_by is null returning 1`,
    [actor, run.id],
  )
  if (asked) await recordEvent(session, 'cancel_requested', actor, { table: table.name, id, runId: run.id }, undefined)
  return asked !== undefined
}

async function cancelResting(
  session: Session,
  table: TaskTable,
  id: TaskId,
  actor: string,
  error: string,
): Promise<void> {
  await asActor(session, actor)
  const set = [
    `status = 'canceled'`,
    ...(columnNamed(table, 'error') ? ['error = $2'] : []),
    ...(columnNamed(table, 'finished_at') ? ['finished_at = now()'] : []),
  ]
  const bound = columnNamed(table, 'error') ? [id, error] : [id]
  await session.query(`update ${quote(table.name)} set ${set.join(', ')} where id = $1`, bound)
}

/** Makes a failed or canceled task pending again. Its error stays until it runs. */
export async function retry(session: Session, table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
  const status = await lockedStatus(session, table, id)
  if (status === undefined) return undefined
  if (!canRetry(status)) return { change: 'none', status }
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
