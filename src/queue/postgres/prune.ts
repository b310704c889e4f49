import { failpoint } from '../../failpoint.ts'
import type { SettledStatus } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { Batch, PruneDatabase, PrunedTask, PruneProgress } from '../prune.ts'
import { isHeldByOther, type PruneFacts, type PruneRow, type Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { literal, quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { factsOf, referencesTo } from './prune-facts.ts'
import type { Session } from './session.ts'
import { type Row, recordEvent } from './statements.ts'
import { hasNumbers } from './task-sql.ts'
import { decodeId, instantExpression, toInstant } from './values.ts'

/** So long a task may wait at most for a worker that prunes meanwhile. */
const TARGET_MS = 30

/** A pruning in a PostgreSQL database. */
export class PostgresPruning implements PruneDatabase {
  readonly targetMs = TARGET_MS
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async references({ table }: QueuedTable, all: readonly QueuedTable[]): Promise<Reference[]> {
    return this.#connection.use((session) => referencesTo(session, table, all))
  }

  async begin(holder: string, every: number | undefined): Promise<{ left: PruneProgress | undefined } | undefined> {
    return this.#connection.transaction(async (session) => {
      await session.query('insert into ops_prune_pass (id) values (1) on conflict do nothing')
      const [last] = await session.query('select *, now() as now from ops_prune_pass for update')
      const held = { seenAt: last!.seen_at ?? undefined, endedAt: last!.ended_at ?? undefined }
      if (isHeldByOther(held, last!.now, every)) return undefined
      const left = (last!.pass ?? undefined) as PruneProgress | undefined
      if (left?.pass) await record(session, left)
      const rest = left && JSON.stringify({ ...left, pass: undefined })
      const take = 'update ops_prune_pass set holder = $1, seen_at = clock_timestamp(), pass = $2'
      await session.query(take, [holder, rest ?? null])
      return { left }
    })
  }

  async scan({ table }: QueuedTable, after: unknown, limit: number): Promise<PruneRow[]> {
    const where = after === undefined ? '' : 'where id > $2'
    const text = `select ${columnsOf(table)} from ${quote(table.name)} ${where} order by id limit $1`
    const bound = after === undefined ? [limit] : [limit, after]
    return (await this.#connection.use((session) => session.query(text, bound))).map((row) => toRow(table, row))
  }

  async facts(
    { table }: QueuedTable,
    rows: readonly PruneRow[],
    references: readonly Reference[],
  ): Promise<PruneFacts[]> {
    return this.#connection.use((session) => factsOf(session, table, rows, references))
  }

  async remove(
    holder: string,
    { table }: QueuedTable,
    references: readonly Reference[],
    batch: Batch,
  ): Promise<number | undefined> {
    let startedAt = 0
    const isOurs = await this.#connection.transaction(async (session) => {
      startedAt = performance.now()
      const fence = 'update ops_prune_pass set seen_at = clock_timestamp() where holder = $1 returning 1'
      if ((await session.query(fence, [holder])).length === 0) return false
      const name = quote(table.name)
      // Who adds a row that names one of these waits, and fails. Rows that somebody else has locked can wait themselves.
      const found = await session.query(
        `select ${columnsOf(table)} from ${name} where id = any($1) order by id for update skip locked`,
        [batch.rows.map(({ raw }) => raw)],
      )
      const rows = found.map((row) => toRow(table, row))
      const chosen = batch.choose(rows, await factsOf(session, table, rows, references))
      if (chosen.length === 0) return true
      const ids = chosen.map(({ raw }) => raw)
      const put = `insert into ops_pruning (task_table, task_key) select ${literal(table.name)}, id::text from ${name} where id = any($1)`
      await session.query(put, [ids])
      const progress = batch.account(await read(session, table, chosen))
      await session.query('update ops_prune_pass set pass = $1', [JSON.stringify(progress)])
      for (const history of ['ops_runs', 'ops_events']) {
        await session.query(
          `delete from ${history} h using ops_pruning p where h.task_table = p.task_table and ${hasNumbers(table) ? 'h.task_id = p.task_key::bigint' : 'h.task_key = p.task_key'}`,
        )
      }
      await session.query(`delete from ${name} where id = any($1)`, [ids])
      await session.query('delete from ops_pruning')
      failpoint('prune.before-commit')
      return true
    })
    failpoint('prune.after-commit')
    return isOurs ? performance.now() - startedAt : undefined
  }

  async finish(
    holder: string,
    progress: PruneProgress | undefined,
    state: 'pass' | 'paused' | 'complete',
  ): Promise<void> {
    await this.#connection.transaction(async (session) => {
      const ended = await session.query(
        `update ops_prune_pass set pass = null, seen_at = case when $2 then clock_timestamp() end,
         holder = case when $2 then holder end, ended_at = case when $3 then clock_timestamp() else ended_at end
         where holder = $1 returning 1`,
        [holder, state === 'pass', state === 'complete'],
      )
      if (ended.length > 0 && progress?.pass) await record(session, progress)
    })
  }

  /** Autovacuum does it. */
  async reclaim(): Promise<boolean> {
    return false
  }

  async rest(): Promise<void> {}
}

async function record(session: Session, { actor, pass }: PruneProgress): Promise<void> {
  await recordEvent(session, 'pruned', actor, { table: pass!.table }, pass)
}

/** Tasks with their history, as JSON that the server makes: it has all values exactly. */
async function read(session: Session, table: TaskTable, chosen: readonly PruneRow[]): Promise<PrunedTask[]> {
  const history = (from: string) =>
    `select coalesce(json_agg(row_to_json(h) order by h.id), '[]')::text from ${from} h where h.task_table = $2 and ${hasNumbers(table) ? 'h.task_id = t.id' : 'h.task_key = t.id::text'}`
  const rows = await session.query(
    `select t.id::text as key, row_to_json(t)::text as task, (${history('ops_runs')}) as runs, (${history('ops_events')}) as events
     from ${quote(table.name)} t where t.id = any($1)`,
    [chosen.map(({ raw }) => raw), table.name],
  )
  const byKey = new Map(rows.map((row) => [row.key as string, row]))
  return chosen.map((row) => {
    const { task, runs, events } = byKey.get(String(row.id))!
    const parsed = JSON.parse(runs) as { attempt: number }[]
    return {
      id: row.id,
      attempts: [...new Set(parsed.map(({ attempt }) => attempt))],
      runs: parsed.length,
      events: (JSON.parse(events) as unknown[]).length,
      status: row.status as SettledStatus,
      settledAt: row.settledAt ?? row.createdAt,
      line: `{"table":${JSON.stringify(table.name)},"task":${task},"runs":${runs},"events":${events}}`,
    }
  })
}

function columnsOf(table: TaskTable): string {
  const instant = (name: string) => {
    const column = columnNamed(table, name)
    return column ? [`${instantExpression(column, quote(name))} as ${name}`] : []
  }
  return ['id', 'status::text as status', ...instant('created_at'), ...instant('finished_at')].join(', ')
}

function toRow(table: TaskTable, row: Row): PruneRow {
  const at = (name: string) => {
    const date =
      row[name] === null || row[name] === undefined ? undefined : toInstant(columnNamed(table, name)!, row[name])
    return date === undefined || Number.isNaN(date.getTime()) ? undefined : date
  }
  return {
    raw: row.id,
    id: decodeId(table, row.id),
    status: row.status,
    settledAt: at('finished_at'),
    // Nobody knows: then it is never old enough.
    createdAt: at('created_at') ?? new Date(8.64e15),
  }
}
