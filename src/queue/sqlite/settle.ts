import type { Statement } from 'better-sqlite3'
import { type Outcome, statusAfter } from '../../task/outcome.ts'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { TaskId } from '../queue.ts'
import { instant } from './claim.ts'
import type { Connection } from './connection.ts'
import { columnNamed, encode, quote } from './values.ts'

/** Ends runs and the tasks they were about. Inside a transaction of the caller's. */
export class Settlements {
  private readonly connection: Connection
  private readonly statements = new WeakMap<TaskTable, Map<string, Statement>>()

  constructor(connection: Connection) {
    this.connection = connection
  }

  /**
   * Writes what became of a run and of its task. The trigger on the change of status ends the run, with its audit row.
   *
   * @returns whether the run was still open; when it was not, nothing is written
   */
  settle(runId: number, taskId: TaskId, table: TaskTable, outcome: Outcome, now: number): boolean {
    const status = statusAfter(outcome)
    const error = outcome.kind === 'succeeded' ? null : outcome.error
    // The trigger takes the status for the outcome, so only an outcome of another name is written before.
    if (outcome.kind !== status && !this.decide(runId, outcome.kind, error)) return false
    const own = outcome.kind === 'succeeded' ? outcome.columns : {}
    const values = [...Object.keys(own)].map((key) => encode(table.columns[key]!, own[key]))
    const ended = this.statement(table, status, Object.keys(own))
    return ended.run(...this.lifecycle(table, error, now), ...values, taskId, runId).changes === 1
  }

  private decide(runId: number, outcome: string, error: string | null): boolean {
    const decide = this.connection.sql('update ops_runs set outcome = ?, error = ? where id = ? and ended_at is null')
    return decide.run(outcome, error, runId).changes === 1
  }

  private lifecycle(table: TaskTable, error: string | null, now: number): unknown[] {
    const finishedAt = columnNamed(table, 'finished_at')
    return [...(finishedAt ? [instant(finishedAt, now)] : []), ...(columnNamed(table, 'error') ? [error] : [])]
  }

  private statement(table: TaskTable, status: string, keys: readonly string[]): Statement {
    const known = this.statements.get(table) ?? new Map<string, Statement>()
    this.statements.set(table, known)
    const id = `${status} ${keys.join(' ')}`
    let statement = known.get(id)
    if (!statement) {
      statement = this.connection.sql(settleStatement(table, status, keys))
      known.set(id, statement)
    }
    return statement
  }
}

/** Compares the run in the same statement: whoever lost it changes no row. */
function settleStatement(table: TaskTable, status: string, keys: readonly string[]): string {
  const has = (column: string) => columnNamed(table, column) !== undefined
  const set = [
    `status = '${status}'`,
    // What a task was last at means nothing once it is done.
    ...(status === 'succeeded' && has('progress') ? ['progress = 1'] : []),
    ...(status === 'succeeded' && has('progress_note') ? ['progress_note = null'] : []),
    ...(has('finished_at') ? ['finished_at = ?'] : []),
    ...(has('error') ? ['error = ?'] : []),
    ...keys.map((key) => `${quote(table.columns[key]!.name)} = ?`),
  ]
  return `update ${quote(table.name)} set ${set.join(', ')} where id = ? and status = 'ongoing'
  and exists (select 1 from ops_runs r where r.id = ? and r.ended_at is null)`
}
