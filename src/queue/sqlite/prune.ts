import { setTimeout as delay } from 'node:timers/promises'
import type { Statement } from 'better-sqlite3'
import { failpoint } from '../../failpoint.ts'
import type { SettledStatus } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { PrunePass } from '../history.ts'
import type { Batch, PruneDatabase, PrunedTask, PruneProgress } from '../prune.ts'
import { isHeldByOther, type PruneFacts, type PruneRow, type Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { literal, quote } from '../sql-fragments.ts'
import { exactId } from './claim.ts'
import type { Connection } from './connection.ts'
import { factsOf, referencesTo } from './prune-facts.ts'
import { listRuns } from './run-list.ts'
import { recordEvent } from './statements.ts'
import { millisecondsOf } from './values.ts'

type Row = Record<string, unknown>

/**
 * Less than what a writer may wait for: another one may have come first, and a program that is not ops sleeps between two
 * attempts.
 */
const TARGET_MS = 8

/** Pages that are given back at once, and how many may stay free inside the file for the next rows. */
const RECLAIMED_PAGES = 100
const SPARE_PAGES = 1000

/** Transactions after which a pruning writes the log to the file itself, so that no other commit has to. */
const CHECKPOINT_AFTER = 20

/** A pruning in a SQLite file. Ids are as the file has them: an integer is a bigint. */
export class SqlitePruning implements PruneDatabase {
  readonly targetMs = TARGET_MS
  readonly #connection: Connection
  /** Statements that read whole numbers as bigints. */
  readonly #exact: Connection['sql']
  #transactions = 0

  constructor(connection: Connection) {
    this.#connection = connection
    const statements = new Map<string, Statement>()
    this.#exact = (text) => {
      const known = statements.get(text) ?? connection.database.prepare(text).safeIntegers()
      statements.set(text, known)
      return known
    }
  }

  async references({ table }: QueuedTable, all: readonly QueuedTable[]): Promise<Reference[]> {
    return referencesTo(this.#connection, table, all)
  }

  async begin(holder: string, every: number | undefined): Promise<{ left: PruneProgress | undefined } | undefined> {
    return this.#connection.lock.write(() => {
      const sql = (text: string) => this.#connection.sql(text)
      sql('insert into ops_prune_pass (id) values (1) on conflict do nothing').run()
      const last = sql('select * from ops_prune_pass').get() as Record<'seen_at' | 'ended_at' | 'pass', never>
      const now = Date.now()
      const held = { seenAt: toDate(last.seen_at), endedAt: toDate(last.ended_at) }
      if (isHeldByOther(held, new Date(now), every)) return undefined
      const pass = last.pass as string | null
      const left = pass === null ? undefined : (JSON.parse(pass) as PruneProgress)
      if (left?.pass) this.#record(left)
      const rest = left && JSON.stringify({ ...left, pass: undefined })
      sql('update ops_prune_pass set holder = ?, seen_at = ?, pass = ?').run(holder, now, rest ?? null)
      return { left }
    })
  }

  async scan({ table }: QueuedTable, after: unknown, limit: number): Promise<PruneRow[]> {
    const where = after === undefined ? '' : 'where id > ?'
    const rows = this.#exact(`select ${columnsOf(table)} from ${quote(table.name)} ${where} order by id limit ?`)
    return (rows.all(...(after === undefined ? [limit] : [after, limit])) as Row[]).map((row) => toRow(table, row))
  }

  async facts(
    { table }: QueuedTable,
    rows: readonly PruneRow[],
    references: readonly Reference[],
  ): Promise<PruneFacts[]> {
    return factsOf(this.#connection, this.#exact, table, rows, references)
  }

  async remove(
    holder: string,
    { table }: QueuedTable,
    references: readonly Reference[],
    batch: Batch,
  ): Promise<boolean> {
    const isOurs = await this.#connection.lock.write(() => {
      const sql = (text: string) => this.#connection.sql(text)
      if (sql('update ops_prune_pass set seen_at = ? where holder = ?').run(Date.now(), holder).changes === 0)
        return false
      listRuns(this.#connection)
      const find = this.#exact(`select ${columnsOf(table)} from ${quote(table.name)} where id = ?`)
      const rows = batch.rows.map(({ raw }) => find.get(raw) as Row | undefined).filter((row) => row !== undefined)
      const found = rows.map((row) => toRow(table, row))
      const chosen = batch.choose(found, factsOf(this.#connection, this.#exact, table, found, references))
      if (chosen.length === 0) return true
      const next = sql('select id from ops_next').pluck()
      const before = next.get() as number
      const put = sql(
        `insert into ops_pruning (task_table, task_id) select ${literal(table.name)}, id from ${quote(table.name)} where id = ?`,
      )
      for (const { raw } of chosen) put.run(raw)
      const tasks = chosen.map((row) => this.#read(table, row))
      sql('update ops_prune_pass set pass = ?').run(JSON.stringify(batch.account(tasks.map(({ task }) => task))))
      for (const task of tasks) this.#delete(table, task)
      sql('delete from ops_pruning').run()
      // A number is never given twice.
      if ((next.get() as number) < before) sql('insert into ops_ends (id, run_id) values (?, 0)').run(before - 1)
      failpoint('prune.before-commit')
      return true
    })
    failpoint('prune.after-commit')
    return isOurs
  }

  async finish(
    holder: string,
    progress: PruneProgress | undefined,
    state: 'pass' | 'paused' | 'complete',
  ): Promise<void> {
    await this.#connection.lock.write(() => {
      const { changes } = this.#connection
        .sql(
          `update ops_prune_pass set pass = null, seen_at = iif(@goesOn, @now, null), holder = iif(@goesOn, holder, null),
           ended_at = iif(@isComplete, @now, ended_at) where holder = @holder`,
        )
        .run({ now: Date.now(), goesOn: Number(state === 'pass'), isComplete: Number(state === 'complete'), holder })
      if (changes > 0 && progress?.pass) this.#record(progress)
    })
  }

  /** Only of a file that was made with incremental vacuum; the free pages of others are used again. */
  async reclaim(holder: string): Promise<boolean> {
    const { database, lock } = this.#connection
    const mode = database.pragma('auto_vacuum', { simple: true })
    const free = () => database.pragma('freelist_count', { simple: true }) as number
    if (mode !== 2 || free() <= SPARE_PAGES) return false
    const startedAt = performance.now()
    await lock.write(() => {
      this.#connection.sql('update ops_prune_pass set seen_at = ? where holder = ?').run(Date.now(), holder)
      database.pragma(`incremental_vacuum(${RECLAIMED_PAGES})`)
    })
    await this.rest(performance.now() - startedAt)
    return free() > SPARE_PAGES
  }

  /** As long as the transaction took: then a writer finds the lock free at every second attempt. */
  async rest(milliseconds: number): Promise<void> {
    this.#transactions += 1
    if (this.#transactions % CHECKPOINT_AFTER === 0) this.#connection.checkpoint.passive()
    await delay(Math.max(1, milliseconds))
  }

  #read(table: TaskTable, row: PruneRow): { task: PrunedTask; raw: unknown; runs: Row[]; events: Row[] } {
    const of = 'where task_table = ? and task_id = ?'
    const task = this.#exact(`select * from ${quote(table.name)} where id = ?`).get(row.raw)
    const runs = this.#exact(
      `select * from ops_runs where id in (select run_id from ops_runs_of_task ${of}) order by id`,
    ).all(table.name, row.raw) as Row[]
    const events = this.#exact(`select * from ops_events ${of} order by id`).all(table.name, row.raw) as Row[]
    const attempts = [...new Set(runs.map(({ attempt }) => Number(attempt)))]
    const counts = { runs: runs.length, events: events.length }
    const settled = { status: row.status as SettledStatus, settledAt: row.settledAt ?? row.createdAt }
    const line = JSON.stringify({ table: table.name, task, runs, events }, exactJson)
    return { task: { id: row.id, attempts, ...counts, ...settled, line }, raw: row.raw, runs, events }
  }

  #delete(table: TaskTable, { raw, runs, events }: { raw: unknown; runs: Row[]; events: Row[] }): void {
    const sql = (text: string) => this.#connection.sql(text)
    for (const { id, end_id, follows } of runs) {
      // The end of the run before was found by this one.
      if (follows !== null) sql(KEEP_END).run(follows)
      sql('delete from ops_ends where id = ?').run(end_id)
      sql('delete from ops_runs where id = ?').run(id)
    }
    sql('delete from ops_runs_of_task where task_table = ? and task_id = ?').run(table.name, raw)
    for (const { id } of events) sql('delete from ops_events where id = ?').run(id)
    sql(`delete from ${quote(table.name)} where id = ?`).run(raw)
  }

  #record({ actor, pass }: PruneProgress): void {
    recordEvent(this.#connection, 'pruned', actor, { table: (pass as PrunePass).table }, pass)
  }
}

const KEEP_END = `insert into ops_ends (id, run_id) select r.end_id, r.id from ops_runs r
where r.id = ? and not exists (select 1 from ops_pruning p where p.task_table = r.task_table and p.task_id = r.task_id)`

function columnsOf(table: TaskTable): string {
  return columnNamed(table, 'finished_at') ? 'id, status, created_at, finished_at' : 'id, status, created_at'
}

function toRow(table: TaskTable, row: Row): PruneRow {
  const at = (name: string) => {
    const value = typeof row[name] === 'bigint' ? Number(row[name]) : row[name]
    const column = columnNamed(table, name)
    const time = column === undefined || value === null ? Number.NaN : millisecondsOf(column, value)
    return Number.isNaN(time) ? undefined : new Date(time)
  }
  const settledAt = at('finished_at')
  return {
    raw: row.id,
    id: exactId(row.id as bigint | string),
    status: row.status as PruneRow['status'],
    settledAt,
    // Nobody knows: then it is never old enough.
    createdAt: at('created_at') ?? new Date(8.64e15),
  }
}

function toDate(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds)
}

/** Whole numbers as they are, and bytes as text. */
function exactJson(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return exactId(value)
  // `toJSON` has made an object of it.
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown }
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]).toString('base64') : value
}
