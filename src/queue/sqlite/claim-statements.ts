import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queue.ts'
import { claimOrder, exclusiveKey, isKeyTaken, KEY_SCOPE, literal, quote } from '../sql-fragments.ts'
import { isHeld, isOpen, nextAttempt } from './task-sql.ts'

/** How many tasks are looked at in order. If all of them wait for busy keys, the first task of each key is looked at. */
const FIRST_TASKS = 50

/**
 * The statements of a claim; tests assert their plans. The status is a literal in each: with a bound one, the planner does
 * not use the partial index.
 */
export function claimStatements({ processor, table, exclusivity, after }: QueuedTable, workerId: string) {
  const name = quote(table.name)
  const has = (column: string) => columnNamed(table, column) !== undefined
  const order = claimOrder(table)
  const isDue = has('run_at') ? `status = 'pending' and run_at <= ?` : `status = 'pending'`
  const key = exclusiveKey(exclusivity, 't')
  const isFree = [
    ...(exclusivity.kind === 'none' ? [] : [`not ${isKeyTaken(key)}`]),
    `not ${isHeld(processor, exclusivity, key)}`,
    // Only where the triggers were missing when somebody changed the status of an ongoing task.
    `not exists (select 1 from ops_open o where ${isOpen(table.name, 't.id')})`,
  ].join(' and ')
  // Qualified: the referenced table may have a column with the same name, or be the same table.
  const isReady = (row: string) =>
    after
      .map(({ column, table: awaited }) => {
        const isWaiting = `p.id = ${row}.${quote(column)} and p.status in ('pending', 'ongoing')`
        return ` and not exists (select 1 from ${quote(awaited)} p where ${isWaiting})`
      })
      .join('')
  const attempt = nextAttempt(table, 't.')
  const find = (candidates: string) => `select t.id, ${attempt} as attempt, ${key} as key from ${candidates} limit 1`
  const reset = ['finished_at', 'error', 'progress', 'progress_note'].filter(has).map((column) => `${column} = null`)
  const filled = [
    `status = 'ongoing'`,
    ...(has('started_at') ? ['started_at = ?'] : []),
    ...(has('attempt') ? [`attempt = ${nextAttempt(table, '')}`] : []),
    ...reset,
  ]
  return {
    // Skips tasks that wait for a prerequisite: there may be many of them, and this look-up takes no lock.
    peek: `select 1 from ${name} where ${isDue}${isReady(name)} limit 1`,
    // Separate statements: RETURNING and INSERT … SELECT build a temporary table for each task.
    finds: candidates().map(find),
    // The id is selected again to keep its type: a bound number is stored as REAL.
    begin: `insert into ops_runs (id, follows, task_table, task_id, attempt, worker_id, exclusive_key, started_at, deadline_at)
values (coalesce((select end_id + 1 from ops_runs where id = ?), (select id from ops_next)), ?,
  ${literal(table.name)}, (select id from ${name} where id = ?), ?, ${literal(workerId)}, ?, ?, ?)`,
    open: `insert into ops_open (scope, what, run_id)
values (${literal(table.name)}, (select task_id from ops_runs where id = ?), ?)`,
    openKey: `insert into ops_open (scope, what, run_id) values ('${KEY_SCOPE}', ?, ?)`,
    ongoing: `update ${name} set ${filled.join(', ')} where id = ?`,
    row: `select * from ${name} where id = ?`,
    next: has('run_at')
      ? `select run_at from ${name} where status = 'pending' and run_at > ? order by run_at limit 1`
      : undefined,
  }

  function candidates(): string[] {
    switch (exclusivity.kind) {
      case 'none':
      case 'table':
        return [`${name} t where ${isDue} and ${isFree}${isReady('t')} order by ${order}`]
      case 'column': {
        const needed = ['id', quote(exclusivity.column), ...(has('attempt') ? ['attempt'] : [])].join(', ')
        return [
          // No outer ORDER BY: it would fetch and sort all of them, and nearly always the first one is free.
          `(select ${needed} from ${name} where ${isDue}${isReady(name)} order by ${order} limit ${FIRST_TASKS}) t where ${isFree}`,
          `(${firstOfEachKey(quote(exclusivity.column))}) t where ${isFree} order by ${order}`,
        ]
      }
    }
  }

  /**
   * Walks the keys instead of the tasks: a million waiting tasks cost as much as one. The walk ends with null, which is
   * also the key of tasks that have none.
   */
  function firstOfEachKey(column: string): string {
    const pending = `from ${name} where status = 'pending' and ${column}`
    return `with recursive keys (value) as (
  select min(${column}) ${pending} is not null
  union all
  select (select min(${column}) ${pending} > keys.value) from keys where keys.value is not null
)
select h.* from keys join ${name} h on h.id = (
  select id from ${name} where ${isDue} and ${column} is keys.value${isReady(name)} order by ${order} limit 1
)`
  }
}
