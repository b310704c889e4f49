import { ResultRefusedError } from '../../errors.ts'
import { type Outcome, type Return, statusAfter } from '../../task/outcome.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queue.ts'
import { quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { isRefusal } from './explain-error.ts'
import { encode, instant } from './values.ts'

/** Runs the statement that settles a task; returns how many rows it changed. */
type EndTask = (end: {
  error: string | null
  now: number
  dueAt: number
  values: readonly unknown[]
  task: TaskId
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
   * Settles a run and its task. The trigger on the change of status ends the run and writes the audit row.
   *
   * @returns whether the run was still open; if not, nothing is written
   * @throws ResultRefusedError if the database refuses the columns that the processor returned
   */
  settle(runId: number, taskId: TaskId, table: TaskTable, outcome: Outcome, now: number): boolean {
    const status = statusAfter(outcome)
    if (status === 'pending') {
      const canceled = this.#canceledInstead(runId, outcome)
      if (canceled) return this.settle(runId, taskId, table, canceled, now)
    }
    const error = outcome.kind === 'succeeded' ? null : outcome.error
    // The trigger uses the status as the outcome, so only an outcome with another name is written here.
    if (outcome.kind !== status && !this.#decide(runId, outcome.kind, error)) return false
    const own = outcome.columns ?? noColumns
    const keys = Object.keys(own)
    const back = outcome.kind === 'succeeded' ? undefined : outcome.return
    try {
      const values = keys.map((key) => encode(table.columns[key]!, own[key]))
      const end = { error, now, dueAt: now + (back?.delay ?? 0), values, task: taskId, run: runId }
      return this.#endTask(table, status, keys, back)(end) === 1
    } catch (cause) {
      if (keys.length > 0 && isRefusal(cause)) throw new ResultRefusedError(table.name, cause as Error)
      throw cause
    }
  }

  /** A task that is to be canceled is not tried again. */
  #canceledInstead(runId: number, outcome: Outcome): Outcome | undefined {
    const asked = this.#connection
      .sql('select cancel_requested_by from ops_runs where id = ? and ended_at is null')
      .pluck()
    const by = asked.get(runId) as string | null | undefined
    if (by === null || by === undefined) return undefined
    const before = outcome.kind === 'succeeded' ? '' : `; before, it had ${outcome.kind}: ${outcome.error}`
    const { columns } = outcome
    return { kind: 'canceled', error: `canceled by ${by}${before}`, ...(columns && { columns }) }
  }

  #decide(runId: number, outcome: string, error: string | null): boolean {
    const decide = this.#connection.sql('update ops_runs set outcome = ?, error = ? where id = ? and ended_at is null')
    return decide.run(outcome, error, runId).changes === 1
  }

  #endTask(table: TaskTable, status: string, keys: readonly string[], back?: Return): EndTask {
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
  return ({ error, now, dueAt, values, task, run }) => {
    const bound: unknown[] = []
    if (finishedAt) bound.push(instant(finishedAt, now))
    if (hasError) bound.push(error)
    if (runAt) bound.push(instant(runAt, dueAt))
    return statement.run(...bound, ...values, task, run).changes
  }
}

/** Checks the run in the same statement: a worker that has lost it changes no row. */
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
  return `update ${quote(table.name)} set ${set.join(', ')} where id = ? and status = 'ongoing'
  and exists (select 1 from ops_runs r where r.id = ? and r.ended_at is null)`
}
