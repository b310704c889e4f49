import { failpoint } from '../../failpoint.ts'
import type { RecordedGroup } from '../../platform/process-group.ts'
import type { Outcome } from '../../task/outcome.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { OpenRun, Progress, QueuedTable, Run, RunState } from '../queue.ts'
import { KEY_SCOPE, literal, quote } from '../sql-fragments.ts'
import type { Runs } from './runs.ts'
import type { Session } from './session.ts'
import { recordEvent } from './statements.ts'
import { taskIdOf } from './values.ts'
import type { WorkerLocks } from './worker-lock.ts'

/** All open runs. The table has only these, so the cost depends only on their number. */
export async function openRuns(session: Session): Promise<OpenRun[]> {
  const rows = await session.prepared(OPEN_RUNS)
  return rows.map((row) => ({
    id: row.id,
    taskTable: row.task_table,
    taskId: taskIdOf(row as never),
    attempt: row.attempt,
    workerId: row.worker_id,
    exclusiveKey: row.exclusive_key ?? undefined,
    startedAt: row.started_at,
    deadlineAt: row.deadline_at ?? undefined,
    overdue: row.overdue === null || row.overdue < 0 ? undefined : row.overdue,
    bootId: row.boot_id ?? undefined,
    processGroups: row.process_groups ?? [],
    cancelRequestedBy: row.cancel_requested_by ?? undefined,
    crashes: row.crashes,
  }))
}

const crashesBy = (id: 'task_id' | 'task_key') =>
  `(select count(*) from ops_runs c where c.${id} = r.${id} and c.task_table = r.task_table and c.outcome = 'crashed')`

export const OPEN_RUNS = `select r.*, (extract(epoch from now() - r.deadline_at) * 1000)::float8 as overdue,
  ${crashesBy('task_id')} + ${crashesBy('task_key')} as crashes
from ops_open o join ops_runs r on r.id = o.run_id where o.scope <> '${KEY_SCOPE}'`

export const STATE_OF = 'select cancel_requested_by from ops_runs where id = $1 and ended_at is null'

export async function stateOf(session: Session, run: Run): Promise<RunState> {
  const [row] = await session.prepared(STATE_OF, [run.id])
  return { isHeld: row !== undefined, cancelRequestedBy: row?.cancel_requested_by ?? undefined }
}

/** For a milestone, the caller has a transaction open. */
export async function report(
  session: Session,
  run: Run,
  { fraction, note, isMilestone }: Progress,
  workerId: string,
): Promise<boolean> {
  const { table } = run.queued
  const known = ['progress', 'progress_note'].filter((name) => columnNamed(table, name))
  const values = { progress: fraction, progress_note: note ?? null } as Record<string, unknown>
  // A table with neither column has nothing to write; this then only checks the run.
  const set = known.length > 0 ? known.map((name, index) => `${name} = $${index + 3}`).join(', ') : 'id = t.id'
  const text = `update ${quote(table.name)} t set ${set} where t.id = $2 and t.status = 'ongoing'
  and exists (select 1 from ops_open o where o.scope = ${literal(table.name)} and o.what = t.id::text and o.run_id = $1) returning 1`
  const changed = await session.prepared(text, [run.id, run.taskId, ...known.map((name) => values[name])])
  // The task may have been changed past the triggers, which does not end its run.
  if (changed.length === 0 && !(await stateOf(session, run)).isHeld) return false
  if (isMilestone) {
    const task = { table: table.name, id: run.taskId, runId: run.id }
    await recordEvent(session, 'progress', workerId, task, { progress: fraction, note })
  }
  return true
}

export async function limit(session: Session, run: Run, milliseconds: number): Promise<boolean> {
  const text = `update ops_runs set deadline_at = started_at + $1::float8 * interval '1 millisecond'
where id = $2 and ended_at is null returning 1`
  return (await session.prepared(text, [milliseconds, run.id])).length === 1
}

export async function recordProcessGroups(
  session: Session,
  run: Run,
  bootId: string | undefined,
  groups: readonly RecordedGroup[],
): Promise<boolean> {
  const changed = await session.prepared(
    'update ops_runs set boot_id = $1, process_groups = $2 where id = $3 and ended_at is null returning 1',
    [bootId ?? null, JSON.stringify(groups), run.id],
  )
  return changed.length === 1
}

/** Undoes the transaction in which the worker that was found dead proved to be alive. */
class WorkerAlive extends Error {}

export function falseIfAlive(error: unknown): false {
  if (error instanceof WorkerAlive) return false
  throw error
}

/**
 * Settles the run of a dead worker and records that this one recovered it. The caller has a transaction open.
 *
 * @throws WorkerAlive
 */
export async function settleDead(
  session: Session,
  run: OpenRun,
  queued: QueuedTable,
  outcome: Outcome,
  workerLocks: WorkerLocks,
  runs: Runs,
): Promise<boolean> {
  const { held } = await runs.settle(session, { ...run, table: queued.table, endedBy: runs.workerId }, outcome, [])
  if (!held) return false
  // The row of the run has gone by now: a worker that is back finds its run open before that, or else this one sees it.
  if (!(await workerLocks.isStillDead(session, run.workerId))) throw new WorkerAlive()
  const task = { table: run.taskTable, id: run.taskId, runId: run.id }
  const detail = { worker: run.workerId, outcome: outcome.kind, processor: queued.processor }
  await recordEvent(session, 'recovered', runs.workerId, task, detail)
  failpoint('recover.before-commit')
  return true
}
