import { failpoint } from '../../failpoint.ts'
import type { RecordedGroup } from '../../platform/process-group.ts'
import type { Outcome } from '../../task/outcome.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { OpenRun, Progress, QueuedTable, Run, RunState } from '../queue.ts'
import { KEY_SCOPE, quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import type { Settlements } from './settle.ts'
import { recordEvent } from './statements.ts'

interface RunRow {
  id: number
  task_table: string
  task_id: number | string
  attempt: number
  worker_id: string
  exclusive_key: string | null
  started_at: number
  deadline_at: number | null
  boot_id: string | null
  process_groups: string | null
  cancel_requested_by: string | null
  crashes: number
}

/** All open runs, by the rows that they hold: the cost depends only on their number. */
export function openRuns(connection: Connection, now: number): OpenRun[] {
  const crashes = `(select count(*) from ops_runs c where c.task_table = r.task_table and c.task_id = r.task_id and c.outcome = 'crashed')`
  const rows = connection
    .sql(
      `select r.*, ${crashes} as crashes from ops_open o join ops_runs r on r.id = o.run_id
       where o.scope <> '${KEY_SCOPE}' order by r.id`,
    )
    .all() as RunRow[]
  return rows.map((row) => ({
    id: row.id,
    taskTable: row.task_table,
    taskId: row.task_id,
    attempt: row.attempt,
    workerId: row.worker_id,
    exclusiveKey: row.exclusive_key ?? undefined,
    startedAt: new Date(row.started_at),
    deadlineAt: row.deadline_at === null ? undefined : new Date(row.deadline_at),
    overdue: row.deadline_at === null || row.deadline_at > now ? undefined : now - row.deadline_at,
    bootId: row.boot_id ?? undefined,
    processGroups: row.process_groups === null ? [] : (JSON.parse(row.process_groups) as RecordedGroup[]),
    cancelRequestedBy: row.cancel_requested_by ?? undefined,
    crashes: row.crashes,
  }))
}

/** Whether a run is open, and is the same one in this file. */
const IS_OPEN = 'id = ? and worker_id = ? and ended_at is null'

export function stateOf(connection: Connection, run: Run): RunState {
  const asked = connection.sql(`select cancel_requested_by from ops_runs where ${IS_OPEN}`).pluck()
  const by = asked.get(run.id, run.workerId) as string | null | undefined
  return { isHeld: by !== undefined, cancelRequestedBy: by ?? undefined }
}

export async function report(
  connection: Connection,
  run: Run,
  { fraction, note, isMilestone }: Progress,
  workerId: string,
): Promise<boolean> {
  const { table } = run.queued
  const values = { progress: fraction, progress_note: note ?? null }
  const known = Object.entries(values).filter(([name]) => columnNamed(table, name))
  const set = known.map(([name]) => `${name} = ?`).join(', ')
  const update = known.length > 0 ? `update ${quote(table.name)} set ${set} where id = ?` : undefined
  return connection.lock.write(() => {
    if (!stateOf(connection, run).isHeld) return false
    if (update !== undefined) connection.sql(update).run(...known.map(([, value]) => value), run.taskId)
    if (isMilestone) {
      const task = { table: table.name, id: run.taskId, runId: run.id }
      recordEvent(connection, 'progress', workerId, task, { progress: fraction, note })
    }
    return true
  })
}

export async function limit(connection: Connection, run: Run, milliseconds: number): Promise<boolean> {
  const update = connection.sql(`update ops_runs set deadline_at = started_at + ? where ${IS_OPEN}`)
  return connection.lock.write(() => update.run(milliseconds, run.id, run.workerId).changes === 1)
}

export async function recordProcessGroups(
  connection: Connection,
  run: Run,
  bootId: string | undefined,
  groups: readonly RecordedGroup[],
): Promise<boolean> {
  const update = connection.sql(`update ops_runs set boot_id = ?, process_groups = ? where ${IS_OPEN}`)
  return connection.lock.write(
    () => update.run(bootId ?? null, JSON.stringify(groups), run.id, run.workerId).changes === 1,
  )
}

/** Settles the run of a dead worker and records that this one recovered it. */
export async function settleDead(
  connection: Connection,
  settlements: Settlements,
  run: OpenRun,
  queued: QueuedTable,
  outcome: Outcome,
  recoveredBy: string,
): Promise<boolean> {
  // The worker of an overdue run may still be alive.
  const isDead = !connection.workerLocks.isHeld(run.workerId)
  const isSettled = await connection.lock.writeUntilStop(() => {
    const now = Date.now()
    const settled = settlements.settle({ id: run.id, worker: run.workerId }, queued.table, outcome, now, recoveredBy)
    if (!settled) return false
    if (settled.end !== undefined) settlements.record(settled.end)
    if (isDead) {
      connection
        .sql(`update ops_workers set state = 'died', stopped_at = ? where id = ? and stopped_at is null`)
        .run(now, run.workerId)
    }
    const task = { table: run.taskTable, id: run.taskId, runId: run.id }
    const detail = { worker: run.workerId, outcome: outcome.kind, processor: queued.processor }
    recordEvent(connection, 'recovered', recoveredBy, task, detail)
    failpoint('recover.before-commit')
    return true
  })
  if (isDead) connection.workerLocks.remove(run.workerId)
  return isSettled
}
