import type { RecordedGroup } from '../../processes/leftover-groups.ts'
import type { Outcome } from '../../task/outcome.ts'
import type { OpenRun, QueuedTable, Run } from '../queue.ts'
import type { Connection } from './connection.ts'
import { columnNamed, quote } from './values.ts'

interface RunRow {
  id: number
  task_table: string
  task_id: number | string
  attempt: number
  worker_id: string
  started_at: number
  deadline_at: number | null
  boot_id: string | null
  process_groups: string | null
}

/** All runs that have not ended. A partial index holds only these, so their number alone is the cost. */
export function openRuns(connection: Connection): OpenRun[] {
  const columns = 'id, task_table, task_id, attempt, worker_id, started_at, deadline_at, boot_id, process_groups'
  const rows = connection.sql(`select ${columns} from ops_runs where ended_at is null`).all() as RunRow[]
  return rows.map((row) => ({
    id: row.id,
    taskTable: row.task_table,
    taskId: row.task_id,
    attempt: row.attempt,
    workerId: row.worker_id,
    startedAt: new Date(row.started_at),
    deadlineAt: row.deadline_at === null ? undefined : new Date(row.deadline_at),
    bootId: row.boot_id ?? undefined,
    processGroups: row.process_groups === null ? [] : (JSON.parse(row.process_groups) as RecordedGroup[]),
  }))
}

export function isOpen(connection: Connection, run: Run): boolean {
  return connection.sql('select 1 from ops_runs where id = ? and ended_at is null').get(run.id) !== undefined
}

export async function report(
  connection: Connection,
  run: Run,
  fraction: number,
  note: string | undefined,
): Promise<boolean> {
  const { table } = run.queued
  const values = { progress: fraction, progress_note: note ?? null }
  const known = Object.entries(values).filter(([name]) => columnNamed(table, name))
  if (known.length === 0) return isOpen(connection, run)
  const set = known.map(([name]) => `${name} = ?`).join(', ')
  const update = connection.sql(
    `update ${quote(table.name)} set ${set} where id = ? and exists (select 1 from ops_runs r where r.id = ? and r.ended_at is null)`,
  )
  const bound = [...known.map(([, value]) => value), run.taskId, run.id]
  return connection.lock.write(() => update.run(...bound).changes === 1)
}

export async function recordProcessGroups(
  connection: Connection,
  run: Run,
  bootId: string | undefined,
  groups: readonly RecordedGroup[],
): Promise<boolean> {
  const update = connection.sql('update ops_runs set boot_id = ?, process_groups = ? where id = ? and ended_at is null')
  return connection.lock.write(() => update.run(bootId ?? null, JSON.stringify(groups), run.id).changes === 1)
}

/** Settles the run of a worker that died, on the record as recovered by this one. */
export async function settleDead(
  connection: Connection,
  run: OpenRun,
  queued: QueuedTable,
  outcome: Outcome,
  settle: (now: number) => boolean,
  recoveredBy: string,
): Promise<boolean> {
  const settled = await connection.lock.write(() => {
    const now = Date.now()
    if (!settle(now)) return false
    connection
      .sql(`update ops_workers set state = 'died', stopped_at = ? where id = ? and stopped_at is null`)
      .run(now, run.workerId)
    const detail = JSON.stringify({ worker: run.workerId, outcome: outcome.kind, processor: queued.processor })
    connection
      .sql(
        `insert into ops_audit (at, task_table, task_id, run_id, event, actor, detail)
         select ?, task_table, task_id, id, 'recovered', ?, ? from ops_runs where id = ?`,
      )
      .run(now, recoveredBy, detail, run.id)
    return true
  })
  connection.lives.forget(run.workerId)
  return settled
}
