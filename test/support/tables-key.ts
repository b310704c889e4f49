import type { QueuedTable } from '../../src/queue/queue.ts'

const numbers = new WeakMap<QueuedTable, number>()
let latest = 0

/** Equal for lists of the same tables, so that a database that was made for one of them serves for all. */
export function keyOf(tables: readonly QueuedTable[]): string {
  return tables.map(numberOf).join(' ')
}

function numberOf(table: QueuedTable): number {
  let number = numbers.get(table)
  if (number === undefined) {
    latest += 1
    number = latest
    numbers.set(table, number)
  }
  return number
}
