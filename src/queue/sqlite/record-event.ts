import type { TaskId } from '../queue.ts'
import type { StatementCache } from './statement-cache.ts'

/** Puts into the audit trail what is no change of a task's status. Inside a transaction of the caller's. */
export function recordEvent(
  connection: Pick<StatementCache, 'sql'>,
  event: string,
  actor: string,
  task: { table: string; id: TaskId; runId?: number } | undefined,
  detail: object | undefined,
): void {
  connection
    .sql('insert into ops_audit (at, task_table, task_id, run_id, event, actor, detail) values (?, ?, ?, ?, ?, ?, ?)')
    .run(
      Date.now(),
      task?.table ?? null,
      task?.id ?? null,
      task?.runId ?? null,
      event,
      actor,
      detail ? JSON.stringify(detail) : null,
    )
}
