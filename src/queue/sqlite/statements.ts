import type { Database, Statement } from 'better-sqlite3'
import type { Status } from '../../task/lifecycle.ts'
import type { TaskId } from '../queued-table.ts'

/** The prepared statements of a connection, each prepared once. */
export class StatementCache {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  sql(text: string): Statement {
    let statement = this.#statements.get(text)
    if (!statement) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

export type Statements = Pick<StatementCache, 'sql'>

/** A whole number as an integer: a bound number is stored as REAL in a column of any type. */
function exact(id: TaskId): bigint | TaskId {
  return Number.isSafeInteger(id) ? BigInt(id) : id
}

/** Records an event that is not the start or the end of a run. The caller has a transaction open. */
export function recordEvent(
  statements: Statements,
  event: string,
  actor: string,
  task: { table: string; id?: TaskId; runId?: number } | undefined,
  detail: object | undefined,
  [from, to]: readonly [Status, Status] | readonly [] = [],
): void {
  statements
    .sql(
      `insert into ops_events (id, at, task_table, task_id, run_id, event, from_status, to_status, actor, detail)
       values ((select id from ops_next), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      Date.now(),
      task?.table ?? null,
      task?.id === undefined ? null : exact(task.id),
      task?.runId ?? null,
      event,
      from ?? null,
      to ?? null,
      actor,
      detail ? JSON.stringify(detail) : null,
    )
}

/** Makes changes in the name of an actor, whom the triggers find in `ops_actor`. */
export function asActor<T>(statements: Statements, actor: string | undefined, change: () => T): T {
  if (actor === undefined) return change()
  statements.sql('insert into ops_actor (actor) values (?)').run(actor)
  const result = change()
  statements.sql('delete from ops_actor').run()
  return result
}
