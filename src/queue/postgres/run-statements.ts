import type { TaskTable } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queue.ts'
import { guaranteeName } from './task-sql.ts'
import { literal, quote } from './values.ts'

/** Claims the first task that may run: `$1` is the worker, `$2` a run that it has begun without hearing of it, or null. */
export function claimStatement(tables: readonly QueuedTable[]): string {
  const rest = { worker: '$1', rest: 'null, $2', orElse: '$2::bigint is not null' }
  return `select place, claim from (\n${claims(tables, rest)}\n) c limit 1`
}

/**
 * Ends a run and claims the next task. The claims take what the settlement returns, so they come after it, and each
 * table is looked at only when the ones before it have nothing.
 *
 * @param keys the columns that the processor returned. They are written before the settlement, which changes the same
 *   row: one statement cannot change a row after what it calls has
 */
export function settleStatement(table: TaskTable, keys: readonly string[], next: readonly QueuedTable[]): string {
  const first = next.length > 0 ? 9 : 8
  const set = keys.map((key, index) => `${quote(table.columns[key]!.name)} = $${first + 1 + index}`)
  const returned = `with returned as (
  update ${quote(table.name)} t set ${set.join(', ')} where t.id = $${first} and t.status = 'ongoing'
  and exists (select 1 from ops_runs r where r.id = $1 and r.ended_at is null) returning 1
)
`
  const hasOwn = keys.length > 0
  const settled = `${quote(guaranteeName(table, 'settle'))}(
  $1, $2, $3, $4, $5, $6::float8 * interval '1 millisecond', $7, ${hasOwn ? '(select count(*) from returned)' : '0'}
) s (held)`
  // A task that is to be tried again was not pending when the statement began.
  const rest = { worker: '$8', rest: 's.held', orElse: `$3 = 'pending'` }
  const claimed = next.length > 0 ? `\nleft join lateral (\n${claims(next, rest)}\nlimit 1\n) c on true` : ''
  return `${hasOwn ? returned : ''}select s.held${next.length > 0 ? ', c.place, c.claim' : ''} from ${settled}${claimed}`
}

/**
 * A function has a price even where it finds nothing, so it is called only where anything is pending at all, or else there
 * is reason to.
 */
function claims(
  tables: readonly QueuedTable[],
  { worker, rest, orElse }: { worker: string; rest: string; orElse: string },
): string {
  return tables
    .map(({ table, timeout }, place) => {
      const within = timeout === undefined ? 'null' : literal(`${timeout} milliseconds`)
      const claim = `${quote(guaranteeName(table, 'claim'))}(${worker}, ${within}, ${rest})`
      const isAny = `exists (select 1 from ${quote(table.name)} where status = 'pending')`
      return `  select ${place} as place, claim from ${claim} claim where ${isAny} or ${orElse}`
    })
    .join(' union all\n')
}
