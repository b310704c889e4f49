import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'

/** The payload of a notification about every table. */
const ALL = ''

/**
 * Finds out when tasks are added, from the notifications of the triggers. They are hints: polling finds what is added while
 * no one listens.
 */
export class WakeUp {
  readonly #hints = new Set<string>()
  #lost: Error | undefined
  #onEvent: (() => void) | undefined

  /** Listens on a new session. Notifications may have been missed before, so this counts as a change. */
  async listen(session: Session): Promise<void> {
    session.onNotification((table) => this.#hint(table))
    session.onEnd((error) => {
      this.#lost = error
      this.#onEvent?.()
    })
    await session.query('listen ops')
    this.#lost = undefined
    this.#hint(ALL)
  }

  /**
   * Resolves to true when one of the tables changes, and to false when the time is over or the signal aborts.
   *
   * @throws Error if the session is lost, since no notification would come any more
   */
  async changed(tables: readonly string[], milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + milliseconds
    for (;;) {
      if (this.#lost) throw this.#lost
      if (this.#takeHint(tables)) return true
      const left = end - performance.now()
      if (left <= 0 || signal.aborted) return false
      await this.#nextEvent(left, signal)
    }
  }

  #hint(table: string): void {
    this.#hints.add(table)
    this.#onEvent?.()
  }

  /** No names mean all tables. */
  #takeHint(tables: readonly string[]): boolean {
    const isHit =
      this.#hints.has(ALL) ||
      (tables.length === 0 ? this.#hints.size > 0 : tables.some((name) => this.#hints.has(name)))
    this.#hints.clear()
    return isHit
  }

  #nextEvent(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        this.#onEvent = undefined
        resolve()
      }
      const timer = setTimeout(finish, Math.ceil(milliseconds))
      this.#onEvent = finish
      signal.addEventListener('abort', finish, { once: true })
    })
  }
}

/**
 * Knows when the next scheduled task is due. Asked once and then kept, because adding or rescheduling a task sends a
 * notification: an idle worker sends no statement but the search for a task.
 */
export class NextDue {
  #known: { tables: readonly QueuedTable[]; at: number } | undefined

  forget(): void {
    this.#known = undefined
  }

  /** Milliseconds until the next scheduled task of these tables is due. */
  async in(session: Session, tables: readonly QueuedTable[]): Promise<number> {
    if (this.#known?.tables !== tables) {
      const text = nextDueStatement(tables)
      const [row] = text === undefined ? [] : await session.prepared(text)
      this.#known = { tables, at: performance.now() + (row?.milliseconds ?? Number.POSITIVE_INFINITY) }
    }
    return this.#known.at - performance.now()
  }
}

/** Undefined if no table has scheduled tasks. */
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
