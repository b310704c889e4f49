import { setTimeout as delay } from 'node:timers/promises'
import type { Statement } from 'better-sqlite3'
import { failpoint } from '../../failpoint.ts'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { PrunePass } from '../history.ts'
import type { Batch, PruneDatabase, PruneProgress } from '../prune.ts'
import { isHeldByOther, type PruneFacts, type PruneRow, type Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { literal, quote } from '../sql-fragments.ts'
import type { Connection } from './connection.ts'
import { factsOf, lastEvents, type PruneStatements, referencesTo } from './prune-facts.ts'
import { columnsOf, deleteTasks, readTasks, toRow } from './prune-rows.ts'
import { listRuns } from './run-list.ts'
import { recordEvent } from './statements.ts'

type Row = Record<string, unknown>

/**
 * Less than what a writer may wait for: another one may have come first, and a program that is not ops sleeps between two
 * attempts.
 */
const TARGET_MS = 4

/** How long the lock is left to others after that, as a multiple. */
const REST = 2

/** Pages that are given back at once, and how many may stay free inside the file for the next rows. */
const RECLAIMED_PAGES = 100
const SPARE_PAGES = 1000

/** Transactions after which a pruning writes the log to the file itself, so that no other commit has to. */
const CHECKPOINT_AFTER = 40

/** A pruning in a SQLite file. Ids are as the file has them: an integer is a bigint. */
export class SqlitePruning implements PruneDatabase {
  readonly targetMs = TARGET_MS
  readonly #connection: Connection
  readonly #statements: PruneStatements
  #transactions = 0

  constructor(connection: Connection) {
    this.#connection = connection
    const statements = new Map<string, Statement>()
    const exact = (text: string) => {
      const known = statements.get(text) ?? connection.database.prepare(text).safeIntegers()
      statements.set(text, known)
      return known
    }
    this.#statements = { sql: (text) => connection.sql(text), exact }
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
    const rows = this.#statements.exact(
      `select ${columnsOf(table)} from ${quote(table.name)} ${where} order by id limit ?`,
    )
    return (rows.all(...(after === undefined ? [limit] : [after, limit])) as Row[]).map((row) => toRow(table, row))
  }

  async facts(
    { table }: QueuedTable,
    rows: readonly PruneRow[],
    references: readonly Reference[],
    hasHistory: boolean,
  ): Promise<PruneFacts[]> {
    const happenedAt = hasHistory && rows.length > 0 ? lastEvents(this.#statements, table) : () => 0
    return factsOf(this.#statements, table, rows, references, happenedAt)
  }

  async remove(
    holder: string,
    { table }: QueuedTable,
    references: readonly Reference[],
    batch: Batch,
  ): Promise<number | undefined> {
    let startedAt = 0
    const isOurs = await this.#connection.lock.write(() => {
      startedAt = performance.now()
      const { sql } = this.#statements
      if (sql('update ops_prune_pass set seen_at = ? where holder = ?').run(Date.now(), holder).changes === 0)
        return false
      this.#remove(table, references, batch)
      failpoint('prune.before-commit')
      return true
    })
    failpoint('prune.after-commit')
    return isOurs ? performance.now() - startedAt : undefined
  }

  #remove(table: TaskTable, references: readonly Reference[], batch: Batch): void {
    const { sql, exact } = this.#statements
    listRuns(this.#statements)
    const put = `insert into ops_pruning (task_table, task_id) select ${literal(table.name)}, id from ${quote(table.name)} where id in (select value from json_each(?))`
    sql(put).run(`[${batch.rows.map(({ raw }) => (typeof raw === 'bigint' ? raw : JSON.stringify(raw))).join()}]`)
    const found = readTasks(this.#statements, table)
    const rows = found.map(({ row }) => row)
    const happened = new Map(found.map(({ row, happenedAt }) => [row, happenedAt]))
    const facts = factsOf(this.#statements, table, rows, references, (row) => happened.get(row)!)
    const chosen = new Set(batch.choose(rows, facts))
    const left = exact('delete from ops_pruning where task_id = ?')
    for (const row of rows) if (!chosen.has(row)) left.run(row.raw)
    if (chosen.size > 0) {
      const tasks = found.filter(({ row }) => chosen.has(row)).map(({ task }) => task)
      sql('update ops_prune_pass set pass = ?').run(JSON.stringify(batch.account(tasks)))
      deleteTasks(this.#statements, table)
    }
    sql('delete from ops_pruning').run()
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

  async rest(milliseconds: number): Promise<void> {
    this.#transactions += 1
    if (this.#transactions % CHECKPOINT_AFTER === 0) this.#connection.checkpoint.passive()
    await delay(Math.max(1, REST * milliseconds))
  }

  #record({ actor, pass }: PruneProgress): void {
    recordEvent(this.#connection, 'pruned', actor, { table: (pass as PrunePass).table }, pass)
  }
}

function toDate(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds)
}
