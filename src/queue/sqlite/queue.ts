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
  LivingWorker,
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
import { quote } from '../sql-fragments.ts'
import { cancel, makeDue, retry } from './cancel.ts'
import { checkDatabase } from './check-database.ts'
import { TableClaims } from './claim.ts'
import { Connection } from './connection.ts'
import { isRefusal } from './explain-error.ts'
import { SqliteHolds } from './holds.ts'
import { insertTasks } from './insert-tasks.ts'
import { SqliteInvariants } from './invariants.ts'
import { migrate, planMigration, planNewDatabase } from './migrate.ts'
import { fileExists, type OpenOptions } from './open-database.ts'
import { openRuns, recordProcessGroups, report, settleDead, stateOf } from './open-runs.ts'
import { SqliteRecords } from './records.ts'
import { SqliteSchedules } from './schedules.ts'
import { Settlements } from './settle.ts'
import { asActor } from './statements.ts'
import { decodeRow } from './values.ts'
import { livingWorkers, recordTables, startWorker, stopWorker } from './workers.ts'

const require = createRequire(import.meta.url)

/** The queue in a SQLite file. The file is opened when it is first needed, so that a plan creates nothing. */
export class SqliteQueue implements Queue {
  readonly name: string
  readonly isRefusal = isRefusal
  readonly holds = new SqliteHolds(() => this.#connection())
  readonly invariants = new SqliteInvariants(() => this.#connection())
  readonly schedules = new SqliteSchedules(() => this.#connection())
  readonly records = new SqliteRecords(() => this.#connection())
  readonly #options: OpenOptions
  #opened: Connection | undefined
  readonly #claims = new Map<QueuedTable, TableClaims>()
  #settlements: Settlements | undefined
  #workerId: string | undefined

  constructor(path: string, options: OpenOptions) {
    this.name = path
    this.#options = options
  }

  async exists(): Promise<boolean> {
    return fileExists(this.name)
  }

  async planMigration(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]> {
    if (!fileExists(this.name)) return planNewDatabase(this.name, sources, tables)
    return planMigration(this.#connection().database, sources, tables)
  }

  async migrate(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]> {
    // Planned without the lock first: a start with nothing to do blocks no one.
    const due = await this.planMigration(sources, tables)
    if (due.length === 0) return []
    const hasMigrations = due.some(({ kind }) => kind === 'migration')
    const done = await migrate(this.#connection({ create: true }), sources, tables, hasMigrations)
    this.#claims.clear()
    return [...due.filter(({ kind }) => kind === 'create_database'), ...done]
  }

  async schemaState(): Promise<string> {
    return String(this.#connection().sql('pragma schema_version').pluck().get())
  }

  async checkDatabase(): Promise<Check[]> {
    return checkDatabase(this.name, () => this.#connection())
  }

  async enqueue(
    table: TaskTable,
    rows: Iterable<Readonly<Record<string, unknown>>>,
    { runAt, actor }: EnqueueOptions = {},
  ): Promise<EnqueuedTask[]> {
    return this.#writeAndSignal((connection) =>
      asActor(connection, actor, () => insertTasks(connection, table, rows, runAt)),
    )
  }

  async find(table: TaskTable, id: TaskId): Promise<Readonly<Record<string, unknown>> | undefined> {
    const text = `select * from ${quote(table.name)} where id = ?`
    const row = this.#connection().sql(text).get(id)
    return row === undefined ? undefined : decodeRow(table, row as Record<string, unknown>)
  }

  async startWorker(worker: WorkerIdentity): Promise<void> {
    this.#workerId = worker.id
    await startWorker(this.#connection(), worker)
  }

  async isAlive(workerId: string): Promise<boolean> {
    return this.#connection().workerLocks.isHeld(workerId)
  }

  async livingWorkersOf(runs: readonly OpenRun[]): Promise<ReadonlySet<string>> {
    return this.#connection().workerLocks.heldOf(runs)
  }

  async livingWorkers(): Promise<LivingWorker[]> {
    return livingWorkers(this.#connection())
  }

  async recordTables(tables: readonly string[]): Promise<void> {
    if (this.#workerId !== undefined) await recordTables(this.#connection(), this.#workerId, tables)
  }

  async claim(tables: readonly QueuedTable[]): Promise<Claim | undefined> {
    if (!tables.some((queued) => this.#claimsOf(queued).hasDue(Date.now()))) return undefined
    const claim = await this.#connection().lock.write(() => {
      const first = this.#claimFirst(tables, Date.now())
      failpoint('claim.before-commit')
      return first
    })
    failpoint('claim.after-commit')
    return claim
  }

  async settle(
    run: Run,
    outcome: Outcome,
    next: readonly QueuedTable[] = [],
  ): Promise<{ held: boolean; next?: Claim | undefined }> {
    const { checkpoint, fairness, lock } = this.#connection()
    await fairness.betweenTasks()
    checkpoint.whenLarge()
    const settled = await lock.write(() => {
      const ended = this.#settler().settle(run.id, run.queued.table, outcome, Date.now())
      // A later time than that of the settlement: the next run with the same key starts after this one has ended.
      const claim = this.#claimFirst(next, Date.now(), ended?.end)
      if (ended?.end !== undefined && !claim) this.#settler().record(ended.end)
      failpoint('settle.before-commit')
      return { held: ended !== undefined, next: claim }
    })
    failpoint('settle.after-commit')
    return settled
  }

  async report(run: Run, progress: Progress): Promise<boolean> {
    return report(this.#connection(), run, progress, this.#workerId ?? 'ops')
  }

  async recordProcessGroups(run: Run, bootId: string | undefined, groups: readonly RecordedGroup[]): Promise<boolean> {
    return recordProcessGroups(this.#connection(), run, bootId, groups)
  }

  async stateOf(run: Run): Promise<RunState> {
    return stateOf(this.#connection(), run)
  }

  async openRuns(): Promise<OpenRun[]> {
    return openRuns(this.#connection(), Date.now())
  }

  async settleDead(run: OpenRun, queued: QueuedTable, outcome: Outcome): Promise<boolean> {
    return settleDead(this.#connection(), this.#settler(), run, queued, outcome, this.#workerId ?? 'ops')
  }

  async cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
    return this.#connection().lock.write(() => cancel(this.#connection(), this.#settler(), table, id, actor))
  }

  async retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
    return this.#writeAndSignal((connection) => retry(connection, table, id, actor))
  }

  async makeDue(table: TaskTable, id: TaskId): Promise<void> {
    await this.#writeAndSignal((connection) => makeDue(connection, table, id))
  }

  async waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason> {
    const now = Date.now()
    const runTimes = tables.map((queued) => this.#claimsOf(queued).nextRunAt(now)).filter((at) => at !== undefined)
    const untilDue = Math.min(...runTimes, Number.POSITIVE_INFINITY) - now
    this.#connection().checkpoint.whenLarge()
    const changed = await this.#connection().wakeUp.changed(Math.min(pollInterval, untilDue), signal)
    if (signal.aborted) return 'stopped'
    if (changed) return 'changed'
    return untilDue <= pollInterval ? 'due' : 'poll'
  }

  drizzle(): unknown {
    // Required, so that only a processor that queries loads Drizzle; it is the same copy as an imported one.
    const { drizzleOf } = require(`./drizzle${extname(import.meta.filename)}`) as typeof import('./drizzle.ts')
    return drizzleOf(this.#connection().database)
  }

  async close(): Promise<void> {
    if (!this.#opened) return
    if (this.#workerId !== undefined) await stopWorker(this.#opened, this.#workerId)
    this.#opened.close()
    this.#opened = undefined
  }

  async #writeAndSignal<T>(write: (connection: Connection) => T): Promise<T> {
    const connection = this.#connection()
    const result = await connection.lock.write(() => write(connection))
    connection.wakeUp.signal()
    return result
  }

  #claimFirst(tables: readonly QueuedTable[], now: number, follows?: number): Claim | undefined {
    for (const queued of tables) {
      const claim = this.#claimsOf(queued).claim(now, follows)
      if (claim) return claim
    }
    return undefined
  }

  #claimsOf(queued: QueuedTable): TableClaims {
    const known = this.#claims.get(queued)
    if (known) return known
    const claims = new TableClaims(this.#connection(), queued, this.#workerId ?? 'ops')
    this.#claims.set(queued, claims)
    return claims
  }

  #settler(): Settlements {
    this.#settlements ??= new Settlements(this.#connection())
    return this.#settlements
  }

  #connection(options: OpenOptions = {}): Connection {
    this.#opened ??= new Connection(this.name, { ...this.#options, ...options })
    return this.#opened
  }
}
