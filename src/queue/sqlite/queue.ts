import { createRequire } from 'node:module'
import { extname } from 'node:path'
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
  Settled,
  TaskId,
  WakeReason,
  WorkerIdentity,
} from '../queue.ts'
import { cancel, makeDue, retry } from './cancel.ts'
import { checkDatabase } from './check-database.ts'
import type { Connection } from './connection.ts'
import { DatabaseFile } from './database-file.ts'
import { isRefusal } from './explain-error.ts'
import { SqliteHistory } from './history.ts'
import { SqliteHolds } from './holds.ts'
import { insertTasks } from './insert-tasks.ts'
import { SqliteInvariants } from './invariants.ts'
import { migrate, planMigration, planNewDatabase } from './migrate.ts'
import { fileExists, type OpenOptions } from './open-database.ts'
import { limit, openRuns, recordProcessGroups, report, settleDead, stateOf } from './open-runs.ts'
import { findTask, SqliteRecords } from './records.ts'
import { Runs } from './runs.ts'
import { SqliteSchedules } from './schedules.ts'
import { asActor } from './statements.ts'
import { livingWorkers, recordTables, startWorker, stopWorker } from './workers.ts'

const require = createRequire(import.meta.url)

/** The queue in a SQLite file. The file is opened when it is first needed, so that a plan creates nothing. */
export class SqliteQueue implements Queue {
  readonly name: string
  readonly isRefusal = isRefusal
  readonly history = new SqliteHistory(() => this.#connection())
  readonly holds = new SqliteHolds(() => this.#connection())
  readonly invariants = new SqliteInvariants(() => this.#connection())
  readonly schedules = new SqliteSchedules(() => this.#connection())
  readonly records = new SqliteRecords(() => this.#connection())
  readonly #file: DatabaseFile
  #ofConnection: Runs | undefined
  #worker: WorkerIdentity | undefined
  #stop: AbortSignal | undefined
  onReplaced: (() => void) | undefined

  constructor(path: string, options: OpenOptions) {
    this.name = path
    this.#file = new DatabaseFile(path, options)
  }

  hearStop(stop: AbortSignal): void {
    this.#stop = stop
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
    this.#ofConnection = undefined
    return [...due.filter(({ kind }) => kind === 'create_database'), ...done]
  }

  async schemaState(): Promise<string> {
    return String(this.#connection().sql('pragma schema_version').pluck().get())
  }

  async checkDatabase(about?: 'access'): Promise<Check[]> {
    // Who may use a file is a matter of its mode.
    return about === 'access' ? [] : checkDatabase(this.name, () => this.#connection())
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
    return findTask(this.#connection(), table, id)
  }

  async startWorker(worker: WorkerIdentity): Promise<void> {
    this.#worker = worker
    this.#ofConnection = undefined
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
    if (this.#worker) await recordTables(this.#connection(), this.#worker, tables)
  }

  async claim(tables: readonly QueuedTable[]): Promise<Claim | undefined> {
    return this.#runs().claim(tables)
  }

  async settle(run: Run, outcome: Outcome, next: readonly QueuedTable[] = []): Promise<Settled> {
    return this.#runs().settle(run, outcome, next)
  }

  async report(run: Run, progress: Progress): Promise<boolean> {
    return report(this.#connection(), run, progress, this.#workerId)
  }

  async limit(run: Run, milliseconds: number): Promise<boolean> {
    return limit(this.#connection(), run, milliseconds)
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
    return settleDead(this.#connection(), this.#runs().settlements, run, queued, outcome, this.#workerId)
  }

  async cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
    return this.#connection().lock.write(() => cancel(this.#connection(), this.#runs().settlements, table, id, actor))
  }

  async retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
    return this.#writeAndSignal((connection) => retry(connection, table, id, actor))
  }

  async makeDue(table: TaskTable, id: TaskId): Promise<void> {
    await this.#writeAndSignal((connection) => makeDue(connection, table, id))
  }

  async waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason> {
    const now = Date.now()
    const untilDue = this.#runs().nextRunAt(tables, now) - now
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
    const { opened } = this.#file
    if (opened && this.#worker) await stopWorker(opened, this.#worker.id)
    this.#file.close()
  }

  async #writeAndSignal<T>(write: (connection: Connection) => T): Promise<T> {
    const connection = this.#connection()
    const result = await connection.lock.write(() => write(connection))
    connection.wakeUp.signal()
    return result
  }

  #runs(): Runs {
    const connection = this.#connection()
    this.#ofConnection ??= new Runs(connection, this.#workerId)
    return this.#ofConnection
  }

  #connection(options: OpenOptions = {}): Connection {
    const connection = this.#file.connection(options, (replacing) => this.#onReplaced(replacing))
    connection.lock.stop = this.#stop
    return connection
  }

  #onReplaced({ workerLocks, wakeUp }: Connection): void {
    this.#ofConnection = undefined
    if (this.#worker) {
      workerLocks.keep(this.#worker.id)
      wakeUp.listen()
    }
    this.onReplaced?.()
  }

  get #workerId(): string {
    return this.#worker?.id ?? 'ops'
  }
}
