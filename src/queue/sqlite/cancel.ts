import type { Status } from '../../task/lifecycle.ts'
import { columnNamed, type TaskColumn, type TaskTable } from '../../task-table/task-table.ts'
import { cancelDecision, canRetry } from '../decisions.ts'
import type { CancelResult, RetryResult, TaskId } from '../queue.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import type { Settlements } from './settle.ts'
import { asActor, recordEvent } from './statements.ts'
import { instant } from './values.ts'

/** Cancels a pending task, or marks the run of an ongoing one for its worker. */
export function cancel(
  connection: Connection,
  settlements: Settlements,
  table: TaskTable,
  id: TaskId,
  actor: string,
): CancelResult {
  const run = openRunOf(connection, table, id)
  // An open run is what counts, even if somebody changed or deleted its task while the triggers were missing.
  const status = run ? 'ongoing' : statusOf(connection, table, id)
  if (status === undefined) return undefined
  switch (cancelDecision(status, run !== undefined && run.worker !== FOREIGN_WRITER)) {
    case 'ask':
      if (run!.askedBy === null) requestCancel(connection, table, id, run!.id, actor)
      return { change: 'asked', status }
    case 'none':
      return { change: 'none', status }
  }
  const error = `canceled by ${actor}`
  if (run) {
    const settled = settlements.settle(run, table, { kind: 'canceled', error }, Date.now(), actor)
    if (settled?.end !== undefined) settlements.record(settled.end)
  } else {
    const task = { table: table.name, id }
    // No trigger records the end of a run that does not exist.
    if (status === 'ongoing') recordEvent(connection, 'canceled', actor, task, undefined, [status, 'canceled'])
    const finished = { error: () => error, finished_at: (column: TaskColumn) => instant(column, Date.now()) }
    change(connection, table, id, actor, 'canceled', finished)
  }
  return { change: 'canceled', status: 'canceled' }
}

interface RunRow {
  readonly id: number
  readonly worker: string
  readonly askedBy: string | null
}

function openRunOf(connection: Connection, table: TaskTable, id: TaskId): RunRow | undefined {
  return connection
    .sql(
      `select r.id, r.worker_id as worker, r.cancel_requested_by as askedBy
       from ops_open o join ops_runs r on r.id = o.run_id where o.scope = ? and o.what = ?`,
    )
    .get(table.name, id) as RunRow | undefined
}

function requestCancel(connection: Connection, table: TaskTable, id: TaskId, runId: number, actor: string): void {
  connection
    .sql('update ops_runs set cancel_requested_at = ?, cancel_requested_by = ? where id = ?')
    .run(Date.now(), actor, runId)
  recordEvent(connection, 'cancel_requested', actor, { table: table.name, id, runId }, undefined)
}

/** Makes a failed or canceled task pending again. Its error stays until it runs. */
export function retry(connection: Connection, table: TaskTable, id: TaskId, actor: string): RetryResult {
  const status = statusOf(connection, table, id)
  if (status === undefined) return undefined
  if (!canRetry(status)) return { change: 'none', status }
  change(connection, table, id, actor, 'pending', { run_at: (column) => instant(column, Date.now()) })
  return { change: 'retried', status: 'pending' }
}

/** Changes the status, and of the other columns those that the table has. */
function change(
  connection: Connection,
  table: TaskTable,
  id: TaskId,
  actor: string,
  status: Status,
  others: Readonly<Record<string, (column: TaskColumn) => unknown>>,
): void {
  const known = Object.entries(others).flatMap(([name, encoded]) => {
    const column = columnNamed(table, name)
    return column ? [{ name, value: encoded(column) }] : []
  })
  const set = [`status = '${status}'`, ...known.map(({ name }) => `${name} = ?`)].join(', ')
  const update = connection.sql(`update ${quote(table.name)} set ${set} where id = ?`)
  asActor(connection, actor, () => update.run(...known.map(({ value }) => value), id))
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
