import type { TaskId } from '../queue.ts'
import type { Statements } from './session.ts'

/** Puts into the audit trail what is no change of a task's status. */
export async function recordEvent(
  statements: Statements,
  event: string,
  actor: string,
  task: { table: string; id: TaskId; runId?: number } | undefined,
  detail: object | undefined,
): Promise<void> {
  await statements.query(
    `insert into ops_audit (task_table, task_id, task_key, run_id, event, actor, detail)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      task?.table ?? null,
      typeof task?.id === 'number' ? task.id : null,
      task ? String(task.id) : null,
      task?.runId ?? null,
      event,
      actor,
      detail ? JSON.stringify(detail) : null,
    ],
  )
}

/** Makes the changes of this transaction in somebody's name: the audit triggers look here. */
export async function asActor(statements: Statements, actor: string | undefined): Promise<void> {
  if (actor !== undefined) await statements.query(`select set_config('ops.actor', $1, true)`, [actor])
}
