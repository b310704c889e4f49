import type { QueuedTable } from '../queued-table.ts'
import { claimOrder, IS_UNSETTLED, quote } from '../sql-fragments.ts'
import { claimFunction } from './claim.ts'
import { settleFunction } from './settle.ts'
import { type Guarantee, guaranteeName, uniqueExpression } from './task-sql.ts'
import { triggers } from './triggers.ts'

/** What keeps the promises of a task table, whichever client writes to it, and the functions that its workers call. */
export function guarantees(queued: QueuedTable, schema: string): Guarantee[] {
  return [...indexes(queued), ...triggers(queued, schema), claimFunction(queued), settleFunction(queued)]
}

function indexes({ table, exclusivity, unique }: QueuedTable): Guarantee[] {
  const references = table.isExisting ? [] : Object.values(table.columns).filter(({ type }) => type === 'reference')
  const order = claimOrder(table)
  const index = (suffix: string, columns: string, where: string, kind = 'index'): Guarantee => {
    const name = guaranteeName(table, suffix)
    const sql = `create ${kind} ${quote(name)} on ${quote(table.name)} (${columns}) where ${where}`
    return { kind: 'index', name, create: [sql] }
  }
  return [
    // Without it each task that is pruned is searched for in the whole table.
    ...references.map(({ name }) => index(name, quote(name), `${quote(name)} is not null`)),
    index('due', order, `status = 'pending'`),
    // All others but the many: to list them, and to find ongoing tasks without a run. Two short conditions, since each statement
    // prepares them.
    index('by_status', 'status, id', `status <> 'succeeded' and status <> 'pending'`),
    // Finds the first task of each key when the first tasks of all wait for a busy key.
    ...(exclusivity.kind === 'column'
      ? [index('due_by_key', `${quote(exclusivity.column)}, ${order}`, `status = 'pending'`)]
      : []),
    ...(unique.length > 0
      ? [index('unique', unique.map((name) => uniqueExpression(table, name)).join(', '), IS_UNSETTLED, 'unique index')]
      : []),
  ]
}
