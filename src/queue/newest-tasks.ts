import type { Status } from '../task/lifecycle.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { literal, quote } from './sql-fragments.ts'

/** How many of the newest rows are looked through, whatever their status, if there are so many. */
const NEWEST = 10_000

/**
 * Statements that select the newest tasks with one of these statuses (any, if empty). If one finds fewer than the limit, the
 * next one finds all.
 */
export function newestTasks(table: TaskTable, statuses: readonly Status[], limit: number): string[] {
  const name = quote(table.name)
  const newest = `order by id desc limit ${limit}`
  if (statuses.length === 0) return [`select * from ${name} ${newest}`]
  const wanted = `status in (${statuses.map(literal).join(', ')})`
  const bound = `select id from ${name} order by id desc limit 1 offset ${NEWEST - 1}`
  return [
    `select * from ${name} where id >= (${bound}) and ${wanted} ${newest}`,
    // Each status by its index. Where that is the one of due tasks, which has another order, all are sorted.
    `with ${statuses.map((status) => `${status} as materialized (${ofStatus(status)})`).join(', ')}
select * from ${name} where id in (${statuses.map((status) => `select id from ${status}`).join(' union all ')}) ${newest}`,
  ]

  function ofStatus(status: Status): string {
    const all = `select id from ${name} where status = '${status}'`
    const isUnsettled = status === 'pending' || status === 'ongoing'
    return isUnsettled
      ? `with unsettled as materialized (${all}) select id from unsettled ${newest}`
      : `${all} ${newest}`
  }
}
