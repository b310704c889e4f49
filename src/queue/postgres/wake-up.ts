import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'

/** The payload of a notification about every table. */
const ALL = ''

/**
 * How many idle workers listen, and so are woken by an insert. The server signals every session of a database that listens
 * to anything, so the others must not: they only poll, each at its own moment.
 */
export const SEATS = 8

/** How often a worker that only polls looks for a free seat; with many on its machine each looks less often. */
const LOOK_FOR_SEAT_EVERY_MS = 5000
const LOOKERS = 4

/** A seat is an advisory lock, free as soon as its worker is busy or dead. The oid keeps it apart from other locks. */
const SEAT = `'ops_open'::regclass::oid::int4`

const TAKE_SEAT = `select seat from generate_series(0, ${SEATS - 1}) seat where pg_try_advisory_lock(${SEAT}, seat) limit 1`

/** How long an idle worker may wait before it connects again: all of them have lost their connections at once. */
const RECONNECT_WITHIN_MS = 1000

/**
 * Finds out when tasks are added, from the notifications of the triggers. They are hints: polling finds what is added while
 * no one listens.
 */
export class WakeUp {
  readonly #hints = new Set<string>()
  #session: Session | undefined
  #seat: number | undefined
  #lookAt = 0
  #neighbors = 1
  #isFirstPoll = true
  #lost: Error | undefined
  #onEvent: (() => void) | undefined

  /** @param count of workers that share the machine */
  setNeighbors(count: number): number {
    this.#neighbors = count
    return count
  }

  /**
   * Takes a seat on the session, if one is free. Notifications may have been missed before, so that counts as a change.
   *
   * @returns whether this worker hears of changes
   */
  async join(session: Session): Promise<boolean> {
    if (session !== this.#session) this.#begin(session)
    if (this.#seat !== undefined) return true
    if (performance.now() < this.#lookAt) return false
    const share = Math.max(1, this.#neighbors / LOOKERS)
    this.#lookAt = performance.now() + LOOK_FOR_SEAT_EVERY_MS * share * (0.5 + Math.random())
    const [row] = await session.prepared(TAKE_SEAT)
    if (!row) return false
    this.#seat = row.seat
    await session.query('listen ops')
    this.#hint(ALL)
    return true
  }

  /** Leaves the seat to an idle worker: one that is busy for longer hears of changes in vain. */
  async leave(session: Session): Promise<void> {
    const seat = this.#seat
    if (seat === undefined || session !== this.#session) return
    this.#seat = undefined
    this.#lookAt = 0
    await session.query(`unlisten ops; select pg_advisory_unlock(${SEAT}, ${seat})`)
  }

  #begin(session: Session): void {
    this.#session = session
    this.#seat = undefined
    this.#lost = undefined
    this.#lookAt = 0
    this.#isFirstPoll = true
    session.onNotification((table) => this.#hint(table))
    session.onEnd((error) => {
      if (session !== this.#session) return
      this.#seat = undefined
      this.#lost = error
      this.#onEvent?.()
    })
  }

  /**
   * Resolves to true when one of the tables changes, and to false when the time is over or the signal aborts.
   *
   * @throws Error if the session is lost, since no notification would come any more
   */
  async changed(tables: readonly string[], milliseconds: number, signal: AbortSignal): Promise<boolean> {
    // Workers that started together must not poll together.
    const end = performance.now() + (this.#isFirstPoll && this.#seat === undefined ? Math.random() : 1) * milliseconds
    this.#isFirstPoll = false
    for (;;) {
      if (this.#lost) {
        await this.#nextEvent(Math.random() * Math.min(milliseconds, RECONNECT_WITHIN_MS), signal)
        throw this.#lost
      }
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
