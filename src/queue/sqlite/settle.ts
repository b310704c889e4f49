import { ResultRefusedError } from '../../errors.ts'
import type { Status } from '../../task/lifecycle.ts'
import type { Outcome, Return } from '../../task/outcome.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { canceledInstead, type Settlement, settlementOf } from '../decisions.ts'
import type { Divergence } from '../queue.ts'
import type { TaskId } from '../queued-table.ts'
import { KEY_SCOPE, quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { isRefusal } from './explain-error.ts'
import { recordEvent } from './statements.ts'
import { encode, instant } from './values.ts'

/** A run that was settled. */
export interface Settled {
  /** The run, unless its end is already recorded: to be followed by a claim, or else recorded. */
  readonly end: number | undefined
  readonly divergence: Divergence | undefined
}

/** Runs the statement that settles a task; returns how many rows it changed. */
type EndTask = (end: {
  error: string | null
  now: number
  dueAt: number
  values: readonly unknown[]
  run: number
}) => number

const noColumns: Readonly<Record<string, unknown>> = {}

/** Settles runs and their tasks. The caller has a transaction open. */
export class Settlements {
  readonly #connection: Connection
  readonly #prepared = new Map<TaskTable, Map<string, EndTask>>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Settles a run and its task. The end is then followed by a claim, or recorded.
   *
   * @param by who settles it, if that is not its worker
   * @returns undefined if the run was no longer open; then nothing is written
   * @throws ResultRefusedError if the database refuses the columns that the processor returned
   */
  settle(
    { id: runId, worker }: { id: number; worker: string },
    table: TaskTable,
    outcome: Outcome,
    now: number,
    by?: string,
  ): Settled | undefined {
    const sql = (text: string) => this.#connection.sql(text)
    const settlement = this.#decide(runId, outcome)
    const { status, error } = settlement
    const after = status === settlement.outcome ? null : status
    // The fence: a run that was taken away has ended. Another file may have the number of a run for another.
    if (sql(END_RUN).run(now, settlement.outcome, after, error, by ?? null, runId, table.name, worker).changes === 0)
      return undefined
    sql(RELEASE_TASK).run(table.name, runId, runId)
    sql(RELEASE_KEY).run(runId, runId)
    const end = () => this.#endTask(runId, table, outcome, settlement, now)
    if (end()) return { end: runId, divergence: undefined }
    this.record(runId)
    return { end: undefined, divergence: this.#correct(runId, table, status, end) }
  }

  /** Records the end of a run that no run follows in its transaction. */
  record(runId: number): void {
    this.#connection.sql('insert into ops_ends (id, run_id) select end_id, id from ops_runs where id = ?').run(runId)
  }

  #decide(runId: number, outcome: Outcome): Settlement {
    const settlement = settlementOf(outcome)
    if (settlement.ifCanceled === null) return settlement
    const asked = this.#connection.sql('select cancel_requested_by from ops_runs where id = ?').pluck()
    const by = asked.get(runId) as string | null | undefined
    return by === null || by === undefined ? settlement : canceledInstead(settlement, by)
  }

  /** Changes the status of the task, if it is still ongoing, and writes what the processor returned. */
  #endTask(runId: number, table: TaskTable, outcome: Outcome, { status, error }: Settlement, now: number): boolean {
    const own = outcome.columns ?? noColumns
    const keys = Object.keys(own)
    const back = status === 'pending' && outcome.kind !== 'succeeded' ? outcome.return : undefined
    try {
      const values = keys.map((key) => encode(table.columns[key]!, own[key]))
      const end = { error, now, dueAt: now + (back?.delay ?? 0), values, run: runId }
      return this.#prepare(table, status, keys, back)(end) === 1
    } catch (cause) {
      if (keys.length > 0 && isRefusal(cause)) throw new ResultRefusedError(table.name, cause as Error)
      throw cause
    }
  }

  /**
   * Only where the triggers were missing when somebody changed the status of an ongoing task, or deleted it. One that was made
   * pending would run again: it becomes what the run has made of it.
   */
  #correct(runId: number, table: TaskTable, status: Status, end: () => boolean): Divergence {
    const sql = (text: string) => this.#connection.sql(text)
    const name = quote(table.name)
    const { id, worker } = sql('select task_id as id, worker_id as worker from ops_runs where id = ?').get(runId) as {
      id: TaskId
      worker: string
    }
    const found = (sql(`select status from ${name} where id = ?`).pluck().get(id) ?? undefined) as string | undefined
    // As at its start, so that the triggers, if they are back by now, refuse nothing.
    const isCorrected = found === 'pending' && sql(OPEN_AGAIN).run(runId).changes === 1
    if (isCorrected) {
      sql(`update ${name} set status = 'ongoing' where id = (select task_id from ops_runs where id = ?)`).run(runId)
      sql(RELEASE_TASK).run(table.name, runId, runId)
      end()
    }
    const now = isCorrected ? status : found
    const change = now === undefined || now === status ? ([] as const) : ([status, now as Status] as const)
    const task = { table: table.name, id, runId }
    recordEvent(
      this.#connection,
      'diverged',
      worker,
      task,
      { status: found ?? null, ...(now !== found && { set: now }) },
      change,
    )
    return { found, status: now }
  }

  #prepare(table: TaskTable, status: string, keys: readonly string[], back?: Return): EndTask {
    let ofTable = this.#prepared.get(table)
    if (!ofTable) {
      ofTable = new Map()
      this.#prepared.set(table, ofTable)
    }
    const id = `${status} ${back?.delay === undefined} ${back?.givesAttemptBack} ${keys.join(' ')}`
    let endTask = ofTable.get(id)
    if (!endTask) {
      endTask = prepareEnd(this.#connection, table, status, keys, back)
      ofTable.set(id, endTask)
    }
    return endTask
  }
}

const RELEASE_TASK = `delete from ops_open where scope = ? and what = (select task_id from ops_runs where id = ?) and run_id = ?`
const RELEASE_KEY = `delete from ops_open
where scope = '${KEY_SCOPE}' and what = (select exclusive_key from ops_runs where id = ?) and run_id = ?`
const OPEN_AGAIN = `insert into ops_open (scope, what, run_id) select r.task_table, r.task_id, r.id from ops_runs r
where r.id = ? and not exists (select 1 from ops_open o where o.scope = r.task_table and o.what = r.task_id)`
// Its number is the one before that of the run that follows it in this transaction.
const END_RUN = `update ops_runs set end_id = (select id from ops_next), ended_at = ?, outcome = ?, status_after = ?,
error = ?, ended_by = ? where id = ? and ended_at is null and task_table = ? and worker_id = ?`

function prepareEnd(
  connection: Connection,
  table: TaskTable,
  status: string,
  keys: readonly string[],
  back: Return | undefined,
): EndTask {
  const statement = connection.sql(settleStatement(table, status, keys, back))
  const finishedAt = columnNamed(table, 'finished_at')
  const hasError = columnNamed(table, 'error') !== undefined
  const runAt = back?.delay === undefined ? undefined : columnNamed(table, 'run_at')
  return ({ error, now, dueAt, values, run }) => {
    const bound: unknown[] = []
    if (finishedAt) bound.push(instant(finishedAt, now))
    if (hasError) bound.push(error)
    if (runAt) bound.push(instant(runAt, dueAt))
    return statement.run(...bound, ...values, run).changes
  }
}

/** The statement that changes the task of a run, whose id it reads exactly as it is. */
export function settleStatement(table: TaskTable, status: string, keys: readonly string[], back?: Return): string {
  const has = (column: string) => columnNamed(table, column) !== undefined
  const set = [
    `status = '${status}'`,
    // The last note means nothing once the task is done.
    ...(status === 'succeeded' && has('progress') ? ['progress = 1'] : []),
    ...(status === 'succeeded' && has('progress_note') ? ['progress_note = null'] : []),
    ...(has('finished_at') ? ['finished_at = ?'] : []),
    ...(has('error') ? ['error = ?'] : []),
    ...(back?.delay !== undefined && has('run_at') ? ['run_at = ?'] : []),
    ...(back?.givesAttemptBack && has('attempt') ? ['attempt = attempt - 1'] : []),
    ...keys.map((key) => `${quote(table.columns[key]!.name)} = ?`),
  ]
  return `update ${quote(table.name)} set ${set.join(', ')}
where id = (select r.task_id from ops_runs r where r.id = ?) and status = 'ongoing'`
}
