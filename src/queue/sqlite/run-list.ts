import type { Statements } from './statements.ts'

/** How many numbers of the sequence may follow the last run that is listed: half as many runs, or fewer. */
const LIST_EVERY = 500

/** The runs of a task: those that are listed by it, and the latest, which are looked through. */
export const RUNS_OF_TASK = `select * from ops_runs r where r.task_table = @table and r.id in (
  select k.run_id from ops_runs_of_task k where k.task_id = @taskId
  union all
  select l.id from ops_runs l where l.id > (select run_id from ops_runs_listed) and l.task_id = @taskId
) order by r.id`

/** Lists runs by their tasks, some hundreds at once: an index would be one page more in every commit. */
export class RunList {
  readonly #statements: Statements
  /** At least so far they are listed. */
  #listed = 0

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Call it when a run has started. The caller has a transaction open. */
  extend(runId: number): void {
    if (runId - this.#listed < LIST_EVERY) return
    this.#listed = this.#statements.sql('select run_id from ops_runs_listed').pluck().get() as number
    if (runId - this.#listed >= LIST_EVERY) listRuns(this.#statements)
  }
}

/** Lists all that are not yet. The caller has a transaction open. */
export function listRuns(statements: Statements): void {
  const { changes } = statements
    .sql(
      `insert into ops_runs_of_task select task_id, id from ops_runs
       where id > (select run_id from ops_runs_listed) order by task_id, id`,
    )
    .run()
  if (changes > 0) statements.sql('update ops_runs_listed set run_id = (select max(id) from ops_runs)').run()
}
