import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { failpoint } from '../../failpoint.ts'
import type { RecordedGroup } from '../../platform/process-group.ts'
import type { Outcome } from '../../task/outcome.ts'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { Check } from '../check.ts'
import type {
  CancelResult,
  Claim,
  EnqueuedTask,
  EnqueueOptions,
  MigrationSource,
  MigrationStep,
  OpenRun,
  Progress,
  Queue,
  QueuedTable,
  RetryResult,
  Run,
  RunState,
  TaskId,
  WakeReason,
  WorkerIdentity,
} from '../queue.ts'
import { cancel, retry } from './cancel.ts'
import { checkDatabase } from './check-database.ts'
import { Connection } from './connection.ts'
import type { DrizzlePool } from './drizzle.ts'
import { asForDrizzle } from './existing-rows.ts'
import { insertTasks } from './insert-tasks.ts'
import { Lives, OwnLife } from './life.ts'
import { migrate, planMigration } from './migrate.ts'
import { missingColumns } from './missing-columns.ts'
import { NextDue } from './next-due.ts'
import { openRuns, recordProcessGroups, report, settleDead, stateOf } from './open-runs.ts'
import { isMissingDatabase } from './open-session.ts'
import { PostgresHolds } from './postgres-holds.ts'
import { PostgresRecords } from './postgres-records.ts'
import { PostgresSchedules } from './postgres-schedules.ts'
import { asActor } from './record-event.ts'
import { Runs, type Settled } from './runs.ts'
import type { Session } from './session.ts'
import { proveSession, TransactionPoolerError } from './session-proof.ts'
import { decodeRow, isExisting, nothingForNoId, quote } from './values.ts'
import { WakeUp } from './wake-up.ts'

const require = createRequire(import.meta.url)

export interface PostgresOptions {
  /** Milliseconds for which the lock of a worker of another machine must be seen free before the worker is dead. */
  readonly freeForMs?: number
}

/** The queue in a PostgreSQL database. The connection is made when it is first needed, and again when it is lost. */
export class PostgresQueue implements Queue {
  readonly name: string
  readonly holds: PostgresHolds
  readonly schedules: PostgresSchedules
  readonly records: PostgresRecords
  readonly #url: string
  readonly #connection: Connection
  readonly #lives: Lives
  readonly #nextDue = new NextDue()
  #runs = new Runs()
  #wakeUp: WakeUp | undefined
  #life: OwnLife | undefined
  #pool: DrizzlePool | undefined

  constructor(url: string, { freeForMs }: PostgresOptions = {}) {
    this.#url = url
    this.#connection = new Connection(url)
    this.name = this.#connection.name
    this.#lives = new Lives(freeForMs)
    this.holds = new PostgresHolds(this.#connection)
    this.schedules = new PostgresSchedules(this.#connection)
    this.records = new PostgresRecords(this.#connection)
  }

  async exists(): Promise<boolean> {
    try {
      return await this.#connection.use(async () => true)
    } catch (error) {
      if (isMissingDatabase(error)) return false
      throw error
    }
  }

  async planMigration(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]> {
    return this.#connection.use((session) => planMigration(session, sources, tables))
  }

  async migrate(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]> {
    // Looked at without the lock first: a start with nothing to do disturbs nobody.
    const due = await this.planMigration(sources, tables)
    if (due.length === 0) return []
    return this.#connection.transaction((session) => migrate(session, sources, tables))
  }

  async missingColumns(table: TaskTable): Promise<readonly string[] | undefined> {
    return this.#connection.use((session) => missingColumns(session, table))
  }

  async checkDatabase(): Promise<Check[]> {
    return this.#connection.use((session) => checkDatabase(session, this.#url))
  }

  async enqueue(
    table: TaskTable,
    rows: Iterable<Readonly<Record<string, unknown>>>,
    { runAt, actor }: EnqueueOptions = {},
  ): Promise<EnqueuedTask[]> {
    return this.#connection.transaction(async (session) => {
      await asActor(session, actor)
      return insertTasks(session, table, rows, runAt)
    })
  }

  async find(table: TaskTable, id: TaskId): Promise<Readonly<Record<string, unknown>> | undefined> {
    const text = `select * from ${quote(table.name)} where id = $1`
    const types = isExisting(table) ? asForDrizzle : undefined
    const rows = await this.#connection.use((session) => session.query(text, [id], types)).catch(nothingForNoId)
    return rows?.[0] && decodeRow(table, rows[0])
  }

  async startWorker(worker: WorkerIdentity): Promise<void> {
    // Before the lock, which a pooler would keep for others.
    await this.#connection.use((session) => proveSession(session, this.#url))
    const life = await this.#connection.use((session) => OwnLife.begin(session, worker))
    await this.#connection.prepare((session) => life.hold(session))
    this.#life = life
    this.#runs = new Runs(worker.id)
    const isOurs = await this.#connection.use((session) => life.isHeldBy(session))
    if (!isOurs) throw new TransactionPoolerError(this.name)
    await this.#listen()
  }

  async isAlive(workerId: string): Promise<boolean> {
    return this.#connection.use((session) => this.#lives.isAlive(session, workerId))
  }

  async hasLivingWorker(): Promise<boolean> {
    return this.#connection.use((session) => this.#lives.isAnyAlive(session))
  }

  async claim(tables: readonly QueuedTable[]): Promise<Claim | undefined> {
    const claim = await this.#connection.use((session) => this.#runs.claim(session, tables))
    failpoint('claim.after-commit')
    return claim
  }

  async settle(run: Run, outcome: Outcome, next: readonly QueuedTable[] = []): Promise<Settled> {
    const ended = { ...run, table: run.queued.table }
    const settled = await this.#connection.use((session) => this.#runs.settle(session, ended, outcome, next))
    failpoint('settle.after-commit')
    return settled
  }

  async report(run: Run, progress: Progress): Promise<boolean> {
    const write = (session: Session) => report(session, run, progress, this.#runs.workerId)
    return progress.isMilestone ? this.#connection.transaction(write) : this.#connection.use(write)
  }

  async recordProcessGroups(run: Run, bootId: string | undefined, groups: readonly RecordedGroup[]): Promise<boolean> {
    return this.#connection.use((session) => recordProcessGroups(session, run, bootId, groups))
  }

  async stateOf(run: Run): Promise<RunState> {
    return this.#connection.use((session) => stateOf(session, run))
  }

  async openRuns(): Promise<OpenRun[]> {
    return this.#connection.use((session) => openRuns(session))
  }

  async settleDead(run: OpenRun, queued: QueuedTable, outcome: Outcome): Promise<boolean> {
    return this.#connection.transaction((session) => settleDead(session, run, queued, outcome, this.#lives, this.#runs))
  }

  async cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
    return this.#connection.transaction((session) => cancel(session, table, id, actor)).catch(nothingForNoId)
  }

  async retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
    return this.#connection.transaction((session) => retry(session, table, id, actor)).catch(nothingForNoId)
  }

  async waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason> {
    const wakeUp = await this.#listen()
    const untilDue = await this.#connection.use((session) => this.#nextDue.in(session, tables))
    const names = tables.map(({ table }) => table.name)
    const changed = await wakeUp.changed(names, Math.min(pollInterval, untilDue), signal)
    if (changed || untilDue <= pollInterval) this.#nextDue.forget()
    if (signal.aborted) return 'stopped'
    if (changed) return 'changed'
    return untilDue <= pollInterval ? 'due' : 'poll'
  }

  drizzle(): unknown {
    if (!this.#pool) {
      // Required, not imported: only a processor that queries pays for Drizzle, and it gets the copy that all import.
      const { drizzleOn } = require(`./drizzle${extname(import.meta.filename)}`) as typeof import('./drizzle.ts')
      this.#pool = drizzleOn(this.#url)
    }
    return this.#pool.database
  }

  async close(): Promise<void> {
    const life = this.#life
    const pool = this.#pool
    this.#life = undefined
    this.#pool = undefined
    await pool?.close()
    await this.#connection.close(async (session) => life?.end(session))
  }

  async #listen(): Promise<WakeUp> {
    if (!this.#wakeUp) {
      const wakeUp = new WakeUp()
      await this.#connection.prepare((session) => wakeUp.listen(session))
      this.#wakeUp = wakeUp
    }
    return this.#wakeUp
  }
}
