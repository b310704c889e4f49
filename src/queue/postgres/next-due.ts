import type { QueuedTable } from '../queue.ts'
import type { Session } from './session.ts'
import { columnNamed, quote } from './values.ts'

/**
 * When the next scheduled task is due, in milliseconds. Asked once and then known, since a task that is added or put off
 * comes with a notification: a worker with nothing to do sends no statement but the look for a task.
 */
export class NextDue {
  #known: { tables: readonly QueuedTable[]; at: number } | undefined

  forget(): void {
    this.#known = undefined
  }

  async in(session: Session, tables: readonly QueuedTable[]): Promise<number> {
    if (this.#known?.tables !== tables) {
      const text = nextDueStatement(tables)
      const [row] = text === undefined ? [] : await session.prepared(text)
      this.#known = { tables, at: performance.now() + (row?.milliseconds ?? Number.POSITIVE_INFINITY) }
    }
    return this.#known.at - performance.now()
  }
}

/** Undefined where no table has tasks for later. */
export function nextDueStatement(tables: readonly QueuedTable[]): string | undefined {
  const searches = tables
    .filter(({ table }) => columnNamed(table, 'run_at')?.type === 'timestamp')
    .map(
      ({ table }) =>
        `(select t.run_at::timestamptz as at from ${quote(table.name)} t where t.status = 'pending' and t.run_at > now() order by t.run_at limit 1)`,
    )
  if (searches.length === 0) return undefined
  return `select (extract(epoch from min(at) - now()) * 1000)::float8 as milliseconds from (${searches.join(' union all ')}) t`
}
