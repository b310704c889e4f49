import type { Status } from '../../task/lifecycle.ts'
import type { TaskId } from '../queued-table.ts'

// biome-ignore lint/suspicious/noExplicitAny: the author of a statement knows its columns
export type Row = Record<string, any>

/** What runs statements: a session of ops, or the connection of an application. */
export interface Statements {
  query(text: string, values?: readonly unknown[]): Promise<Row[]>
}

/** Records an event that is neither the begin nor the end of a run. */
export async function recordEvent(
  statements: Statements,
  event: string,
  actor: string,
  task: { table: string; id?: TaskId; runId?: number } | undefined,
  detail: object | undefined,
  [from, to]: readonly [Status, Status] | readonly [] = [],
): Promise<void> {
  await statements.query(
    `insert into ops_events (task_table, task_id, task_key, run_id, event, actor, detail, from_status, to_status)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      task?.table ?? null,
      typeof task?.id === 'number' ? task.id : null,
      typeof task?.id === 'string' ? task.id : null,
      task?.runId ?? null,
      event,
      actor,
      detail ? JSON.stringify(detail) : null,
      from ?? null,
      to ?? null,
    ],
  )
}

/** Makes the changes of this transaction in the name of an actor, whom the triggers find in `ops.actor`. */
export async function asActor(statements: Statements, actor: string | undefined): Promise<void> {
  if (actor !== undefined) await statements.query(`select set_config('ops.actor', $1, true)`, [actor])
}
