import type { AuditEntry, AuditFilter } from '../records.ts'
import type { Connection } from './connection.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'
import { taskIdOf } from './values.ts'

/** Numbers that were not seen: they may belong to transactions that were under way, all of them before `before`. */
interface Gap extends Range {
  readonly before: number
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Up to where a follower has read. */
interface Position {
  readonly cursor: number
  readonly gaps: readonly Gap[]
}

/** Followers that are remembered. */
const MOST_POSITIONS = 50

/** Everything in one snapshot. The ends of runs are found by an index of ranges, which only a bitmap scan can use. */
const SNAPSHOT = 'set transaction isolation level repeatable read; set local enable_bitmapscan = on'

/**
 * Reads the audit trail. Numbers are given in order, but transactions commit in another: who reads on from the last entry
 * would miss an earlier one that is committed later. So numbers that were passed over are looked at again, until no
 * transaction is under way that could have them.
 */
export class Audit {
  readonly #connection: Connection
  /** By the filter and the id after which the follower will ask. */
  readonly #positions = new Map<string, Position>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async read(filter: AuditFilter): Promise<AuditEntry[]> {
    const { after, limit } = filter
    const known = after === undefined ? undefined : this.#positions.get(keyOf(filter, after))
    const { position, rows } = await this.#connection.transaction(async (session) => {
      await session.query(SNAPSHOT)
      const gaps = known?.gaps ?? []
      const missed = gaps.length > 0 ? await readGaps(session, filter, gaps) : []
      // A full page may not be all that was missed.
      const rest = missed.length < limit ? limit - missed.length : 0
      const cursor = known?.cursor ?? after
      const rows = rest > 0 ? await readPage(session, filter, cursor, rest) : []
      const [now] = await session.query('select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest')
      const isFinal = (gap: Gap) => rest > 0 && gap.before <= now!.oldest
      const ids = missed.map(({ id }) => id as number)
      const open = gaps.filter((gap) => !isFinal(gap)).flatMap((gap) => without(gap, ids))
      // Before the newest ones is history, unless they are all that there is.
      const first = cursor !== undefined ? cursor + 1 : rows.length < limit ? 1 : rows[0]!.id
      const last = rows.at(-1)?.id ?? cursor ?? 0
      const seen = rows.map(({ id }) => id as number)
      const fresh = without({ from: first, to: last }, seen)
      const before = fresh.length > 0 ? await nextTransaction(session) : 0
      const unseen = fresh.map((range) => ({ ...range, before }))
      return { position: { cursor: last, gaps: [...open, ...unseen] }, rows: [...missed, ...rows] }
    })
    const next = rows.at(-1)?.id ?? after
    if (next !== undefined) this.#remember(keyOf(filter, next), position)
    return rows.map(toEntry)
  }

  #remember(key: string, position: Position): void {
    this.#positions.delete(key)
    this.#positions.set(key, position)
    for (const oldest of this.#positions.keys()) {
      if (this.#positions.size <= MOST_POSITIONS) return
      this.#positions.delete(oldest)
    }
  }
}

function keyOf({ table, taskId }: AuditFilter, after: number): string {
  return JSON.stringify([table, taskId, after])
}

/** The parts of a range between ids. */
function without<T extends Range>(range: T, ids: readonly number[]): T[] {
  const inside = ids.filter((id) => id >= range.from && id <= range.to).sort((a, b) => a - b)
  const starts = [range.from, ...inside.map((id) => id + 1)]
  const ends = [...inside.map((id) => id - 1), range.to]
  return starts.map((from, index) => ({ ...range, from, to: ends[index]! })).filter(({ from, to }) => from <= to)
}

/**
 * After all transactions that have taken a number by now, since each begins before it takes one. The snapshot does not say
 * it: its upper end is the last transaction that has ended, and others after that may be under way.
 */
async function nextTransaction(session: Session): Promise<number> {
  // A server in recovery gives no numbers; there the snapshot has all that it knows of.
  const [row] = await session.query(`select (case when pg_is_in_recovery() then pg_snapshot_xmax(pg_current_snapshot())
  else pg_current_xact_id() end)::text::bigint as next`)
  return row!.next
}

/** What each entry must be, with the values bound so far. */
function conditions({ table, taskId }: AuditFilter, bound: unknown[]): string[] {
  return [
    ...(table === undefined ? [] : [`task_table = $${bound.push(table)}`]),
    ...(taskId === undefined ? [] : [isOfTask(String(taskId), bound)]),
  ]
}

/** A text of digits may be the id of a number or of a text. */
function isOfTask(id: string, bound: unknown[]): string {
  const isKey = `task_key = $${bound.push(id)}`
  const isNumber = /^-?\d+$/.test(id) && String(BigInt.asIntN(64, BigInt(id))) === id
  return isNumber ? `(${isKey} or task_id = $${bound.push(id)})` : isKey
}

const EVENTS = `(select id, at, task_table, task_id, task_key, run_id, event, from_status, to_status, actor, detail from ops_events)`

/** The first entries after an id, or the newest; in order. */
async function readPage(
  session: Session,
  filter: AuditFilter,
  after: number | undefined,
  limit: number,
): Promise<Row[]> {
  const bound: unknown[] = [limit]
  const rows = await session.query(pageStatement(filter, after, bound), bound)
  return after === undefined ? rows.reverse() : rows
}

/** Each part of the audit has its own limit, which the server does not push below the union of a view. */
export function pageStatement(filter: AuditFilter, after: number | undefined, bound: unknown[]): string {
  const all = [...conditions(filter, bound), ...(after === undefined ? [] : [`id > $${bound.push(after)}`])]
  const order = after === undefined ? 'id desc' : 'id'
  if (filter.taskId !== undefined) {
    const where = all.join(' and ')
    const ofTask = ['ops_run_starts', 'ops_run_ends', `${EVENTS} e`].map(
      (from) => `select * from ${from} where ${where}`,
    )
    // Materialized: otherwise the planner may walk all of them in the order of their ids.
    return `with own as materialized (${ofTask.join(' union all ')}) select * from own order by ${order} limit $1`
  }
  const part = (columns: string, from: string, more: readonly string[] = []) => {
    const where = [...all, ...more]
    return `(select ${columns} from ${from} ${where.length > 0 ? `where ${where.join(' and ')}` : ''} order by ${order} limit $1)`
  }
  // Of the ends only those can be on the page that are not behind as many starts and events.
  const isNear = after === undefined ? 'id >= (select id from bound)' : 'id <= (select id from bound)'
  const none = after === undefined ? '0' : '9223372036854775807'
  return `with bound as materialized (
  select coalesce((select id from (${part('id', 'ops_runs')} union all ${part('id', 'ops_events')}) t order by ${order} offset $1 - 1 limit 1), ${none}) as id
)
select * from (
  ${part('*', 'ops_run_starts')}
  union all ${part('*', 'ops_run_ends', [isNear])}
  union all ${part('*', `${EVENTS} e`)}
) t order by ${order} limit $1`
}

/** What has come into the gaps, in order. */
async function readGaps(session: Session, filter: AuditFilter, gaps: readonly Gap[]): Promise<Row[]> {
  const bound: unknown[] = [filter.limit, gaps.map(({ from }) => from), gaps.map(({ to }) => to)]
  const where = ['id between g.first and g.last', ...conditions(filter, bound)].join(' and ')
  const part = (from: string) => `select * from ${from} where ${where}`
  const text = `select t.* from unnest($2::bigint[], $3::bigint[]) g (first, last) cross join lateral (
  ${part('ops_run_starts')} union all ${part('ops_run_ends')} union all ${part(`${EVENTS} e`)}
) t order by t.id limit $1`
  return session.query(text, bound)
}

function toEntry(row: Row): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    taskTable: row.task_table ?? undefined,
    taskId: taskIdOf(row as never) ?? undefined,
    runId: row.run_id ?? undefined,
    event: row.event,
    fromStatus: row.from_status ?? undefined,
    toStatus: row.to_status ?? undefined,
    actor: row.actor ?? undefined,
    detail: row.detail ?? undefined,
  }
}
