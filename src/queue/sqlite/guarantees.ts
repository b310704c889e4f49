import type { QueuedTable } from '../queued-table.ts'
import { claimOrder, IS_UNSETTLED, quote } from '../sql-fragments.ts'
import type { Replacing } from './replacing.ts'
import { type Guarantee, uniqueExpression } from './task-sql.ts'
import { triggers } from './triggers.ts'

/**
 * What keeps the promises of a task table, whichever client writes to it. All of it must parse on SQLite 3.40: one
 * construct that a library does not know makes the whole database unreadable for its programs.
 *
 * @param replacing by what a REPLACE can delete a row with another id
 */
export function guarantees(queued: QueuedTable, replacing: Replacing): Guarantee[] {
  return [...indexes(queued), ...triggers(queued, replacing)]
}

function indexes({ table, exclusivity, unique }: QueuedTable): Guarantee[] {
  const references = table.isExisting ? [] : Object.values(table.columns).filter(({ type }) => type === 'reference')
  const order = claimOrder(table)
  const index = (suffix: string, columns: string, where: string, kind = 'INDEX'): Guarantee => {
    const name = `ops_${table.name}_${suffix}`
    return { name, sql: `CREATE ${kind} ${quote(name)} ON ${quote(table.name)} (${columns}) WHERE ${where}` }
  }
  return [
    // Without it each task that is pruned is searched for in the whole table.
    ...references.map(({ name }) => index(name, quote(name), `${quote(name)} is not null`)),
    // The ongoing tasks beside those that begin next: so they are found too, and a commit writes no page more.
    index('due', `status, ${order}`, IS_UNSETTLED),
    index('by_status', 'status, id', `status = 'failed' or status = 'canceled'`),
    // Finds the first task of each key when the first tasks of all wait for a busy key. With the status, for which the planner
    // would otherwise prefer the other index.
    ...(exclusivity.kind === 'column'
      ? [index('due_by_key', `status, ${quote(exclusivity.column)}, ${order}`, `status = 'pending'`)]
      : []),
    ...(unique.length > 0
      ? [index('unique', unique.map(uniqueExpression).join(', '), IS_UNSETTLED, 'UNIQUE INDEX')]
      : []),
  ]
}
