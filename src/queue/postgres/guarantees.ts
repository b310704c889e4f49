import type { QueuedTable } from '../queue.ts'
import { claimFunction } from './claim.ts'
import { settleFunction } from './settle.ts'
import { claimOrder, guaranteeName, IS_UNSETTLED, uniqueExpression } from './task-sql.ts'
import { triggers } from './triggers.ts'
import { quote } from './values.ts'

/** What ops keeps on a task table: an index, a trigger with its function, or a function that workers call. */
export interface Guarantee {
  readonly kind: 'index' | 'trigger' | 'function'
  readonly name: string
  readonly create: readonly string[]
}

/** What makes a table's promises hold whoever writes to it, and what its workers call. */
export function guarantees(queued: QueuedTable, schema: string): Guarantee[] {
  return [...indexes(queued), ...triggers(queued, schema), claimFunction(queued), settleFunction(queued)]
}

function indexes({ table, exclusivity, unique }: QueuedTable): Guarantee[] {
  const order = claimOrder(table)
  const index = (suffix: string, columns: string, where: string, kind = 'index'): Guarantee => {
    const name = guaranteeName(table, suffix)
    const sql = `create ${kind} ${quote(name)} on ${quote(table.name)} (${columns}) where ${where}`
    return { kind: 'index', name, create: [sql] }
  }
  return [
    index('due', order, `status = 'pending'`),
    // Finds the first task of each key, where the first ones of all are waiting behind a busy key.
    ...(exclusivity.kind === 'column'
      ? [index('due_by_key', `${quote(exclusivity.column)}, ${order}`, `status = 'pending'`)]
      : []),
    ...(unique.length > 0
      ? [index('unique', unique.map((name) => uniqueExpression(table, name)).join(', '), IS_UNSETTLED, 'unique index')]
      : []),
  ]
}
