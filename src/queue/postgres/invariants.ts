import { type InvariantSql, invariantQueries, type Violation, type ViolationRow, violationOf } from '../invariants.ts'
import type { Session } from './session.ts'
import { recordEvent } from './statements.ts'

const dialect: InvariantSql = {
  id: (row) => `${row}.id::text`,
  isTask: (row) => `o.what = ${row}.id::text`,
  taskId: 'task_key',
  differ: (left, right) => `${left} is distinct from ${right}`,
}

export async function findViolations(
  session: Session,
  tables: readonly string[],
  history: boolean,
): Promise<Violation[]> {
  const found: Violation[] = []
  for (const { code, sql } of invariantQueries(tables, dialect, history)) {
    const rows = (await session.query(sql)) as ViolationRow[]
    found.push(...rows.map((row) => violationOf(code, row)))
  }
  return found
}

/** Makes a violation good that no command can, and records it. The caller has a transaction open. */
export async function repair(session: Session, violation: Violation, actor: string): Promise<void> {
  const { code, table, taskId, runId, value } = violation
  if (code === 'RUN_WITHOUT_ROW') {
    await session.query(
      `update ops_runs set end_id = nextval('ops_sequence'), ended_at = clock_timestamp(), outcome = 'crashed',
       status_after = 'failed', error = 'its claim was lost', ended_by = $1 where id = $2 and ended_at is null`,
      [actor, runId],
    )
  }
  if (runId !== undefined) await session.query('delete from ops_open where run_id = $1', [runId])
  const task = table === undefined || taskId === undefined ? undefined : { table, id: taskId, ...(runId && { runId }) }
  const change = code === 'STATUS_UNEXPLAINED' ? ([value, violation.status] as never) : undefined
  await recordEvent(session, 'repaired', actor, task, { code, ...(value !== undefined && { value }) }, change)
}
