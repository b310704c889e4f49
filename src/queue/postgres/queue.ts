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
  Settled,
  TaskId,
  WakeReason,
  WorkerIdentity,
} from '../queue.ts'
import { cancel, makeDue, retry } from './cancel.ts'
import { checkDatabase } from './check-database.ts'
import { Connection } from './connection.ts'
import type { DrizzlePool } from './drizzle.ts'
import { isMissingDatabase, isRefusal } from './explain-error.ts'
import { untilThrough } from './gate.ts'
import { PostgresHistory } from './history.ts'
import { PostgresHolds } from './holds.ts'
import { insertTasks } from './insert-tasks.ts'
import { againIfDropped, schemaState } from './installed-guarantees.ts'
import { PostgresInvariants } from './invariants.ts'
import { PostgresLease } from './lease.ts'
import { migrate, planMigration } from './migrate.ts'
import { falseIfAlive, limit, openRuns, recordProcessGroups, report, settleDead, stateOf } from './open-runs.ts'
import { findTask, PostgresRecords } from './records.ts'
import { Runs } from './runs.ts'
import { PostgresSchedules } from './schedules.ts'
import type { Session } from './session.ts'
import { asActor } from './statements.ts'
import { refuseTransactionPooler, TransactionPoolerError } from './transaction-pooler.ts'
import { ignoreInvalidId } from './values.ts'
import { NextDue, WakeUp } from './wake-up.ts'
import { OwnLock, type PostgresOptions, WorkerLocks } from './worker-lock.ts'

const require = createRequire(import.meta.url)

/** The queue in a PostgreSQL database. It connects when it is first needed, and again if the connection is lost. */
export class PostgresQueue implements Queue {
  readonly name: string
  readonly isRefusal = isRefusal
  readonly history: PostgresHistory
  readonly holds: PostgresHolds
  readonly invariants: PostgresInvariants
  readonly schedules: PostgresSchedules
  readonly records: PostgresRecords
  readonly #url: string
  readonly #connection: Connection
  readonly #workerLocks: WorkerLocks
  readonly #nextDue = new NextDue()
  readonly #wakeUp = new WakeUp()
  #runs = new Runs()
  #ownLock: OwnLock | undefined
  lease: PostgresLease | undefined
  #pool: DrizzlePool | undefined

  constructor(url: string, { freeForMs, silentForMs }: PostgresOptions = {}) {
    this.#url = url
    this.#connection = new Connection(url)
    this.name = this.#connection.name
    this.#workerLocks = new WorkerLocks(freeForMs, silentForMs)
    this.history = new PostgresHistory(this.#connection)
    this.holds = new PostgresHolds(this.#connection)
    this.invariants = new PostgresInvariants(this.#connection)
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
    return againIfDropped(() => this.#connection.use((session) => planMigration(session, sources, tables)))
  }

  async migrate(sources: readonly MigrationSource[], tables: readonly QueuedTable[]): Promise<MigrationStep[]> {
    // Planned without the lock first: a start with nothing to do blocks no one.
    const due = await this.planMigration(sources, tables)
    if (due.length === 0) return []
    return againIfDropped(() => this.#connection.transaction((session) => migrate(session, sources, tables)))
  }

  async schemaState(): Promise<string> {
    return this.#connection.use((session) => schemaState(session))
  }

  async checkDatabase(about?: 'access'): Promise<Check[]> {
    return this.#connection.use((session) => checkDatabase(session, this.#url, about))
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
    return this.#connection.use((session) => findTask(session, table, id)).catch(ignoreInvalidId)
  }

  async startWorker(worker: WorkerIdentity): Promise<void> {
    // Before the lock is taken, which would stay on a pooler's connection.
    await this.#connection.use((session) => refuseTransactionPooler(session, this.#url))
    const lock = await this.#connection.use((session) => OwnLock.register(session, worker))
    await this.#connection.prepare((session) => lock.acquire(session))
    this.#ownLock = lock
    const onSilent = () => this.#pool?.drop()
    const lease = new PostgresLease({ connection: this.#connection, url: this.#url, lock, onSilent })
    this.lease = lease
    this.#runs = new Runs(worker.id, (sentAt, hasBegun) => lease.heard(sentAt, hasBegun))
    if (!(await this.#connection.use((session) => lock.isHeldBy(session)))) throw new TransactionPoolerError(this.name)
  }

  async isAlive(workerId: string): Promise<boolean> {
    return this.#connection.use((session) => this.#workerLocks.isAlive(session, workerId))
  }

  async livingWorkersOf(runs: readonly OpenRun[]): Promise<ReadonlySet<string>> {
    return this.#connection.use((session) => this.#workerLocks.livingOf(session, runs))
  }

  async workersHere(): Promise<number> {
    return this.#connection.use(async (session) =>
      this.#wakeUp.setNeighbors(await this.#workerLocks.countHere(session)),
    )
  }

  async livingWorkers(): Promise<LivingWorker[]> {
    return this.#connection.use((session) => this.#workerLocks.living(session))
  }

  async recordTables(tables: readonly string[]): Promise<void> {
    await this.#connection.use(async (session) => this.#ownLock?.recordTables(session, tables))
  }

  async claim(tables: readonly QueuedTable[], stop?: AbortSignal): Promise<Claim | undefined> {
    const claim = await untilThrough(() => this.#connection.use((session) => this.#runs.claim(session, tables)), stop)
    failpoint('claim.after-commit')
    return claim
  }

  async settle(run: Run, outcome: Outcome, next: readonly QueuedTable[] = []): Promise<Settled> {
    const end = (session: Session) => this.#runs.settle(session, { ...run, table: run.queued.table }, outcome, next)
    const settled = await this.#connection.use(end)
    failpoint('settle.after-commit')
    return settled
  }

  async report(run: Run, progress: Progress): Promise<boolean> {
    const write = (session: Session) => report(session, run, progress, this.#runs.workerId)
    return progress.isMilestone ? this.#connection.transaction(write) : this.#connection.use(write)
  }

  async limit(run: Run, milliseconds: number): Promise<boolean> {
    return this.#connection.use((session) => limit(session, run, milliseconds))
  }

  async recordProcessGroups(run: Run, bootId: string | undefined, groups: readonly RecordedGroup[]): Promise<boolean> {
    return this.#connection.use((session) => recordProcessGroups(session, run, bootId, groups))
  }

  async stateOf(run: Run): Promise<RunState> {
    return this.#connection.use(async (session) => {
      await this.#wakeUp.leave(session)
      return stateOf(session, run)
    })
  }

  async openRuns(): Promise<OpenRun[]> {
    return this.#connection.use((session) => openRuns(session))
  }

  async settleDead(run: OpenRun, queued: QueuedTable, outcome: Outcome): Promise<boolean> {
    const settle = (session: Session) => settleDead(session, run, queued, outcome, this.#workerLocks, this.#runs)
    return this.#connection.transaction(settle).catch(falseIfAlive)
  }

  async cancel(table: TaskTable, id: TaskId, actor: string): Promise<CancelResult> {
    return this.#connection
      .transaction((session) => cancel(session, table, id, actor, this.#runs))
      .catch(ignoreInvalidId)
  }

  async retry(table: TaskTable, id: TaskId, actor: string): Promise<RetryResult> {
    return this.#connection.transaction((session) => retry(session, table, id, actor)).catch(ignoreInvalidId)
  }

  async makeDue(table: TaskTable, id: TaskId): Promise<void> {
    await this.#connection.use((session) => makeDue(session, table, id))
  }

  async waitForWork(tables: readonly QueuedTable[], pollInterval: number, signal: AbortSignal): Promise<WakeReason> {
    // Those who only poll would be too many for one task.
    const untilDue = await this.#connection.use(async (session) =>
      (await this.#wakeUp.join(session)) ? this.#nextDue.in(session, tables) : Number.POSITIVE_INFINITY,
    )
    const names = tables.map(({ table }) => table.name)
    const changed = await this.#wakeUp.changed(names, Math.min(pollInterval, untilDue), signal)
    if (changed || untilDue <= pollInterval) this.#nextDue.forget()
    if (signal.aborted) return 'stopped'
    if (changed) return 'changed'
    return untilDue <= pollInterval ? 'due' : 'poll'
  }

  drizzle(): unknown {
    if (!this.#pool) {
      // Required, so that only a processor that queries loads Drizzle; it is the same copy as an imported one.
      const { drizzleOn } = require(`./drizzle${extname(import.meta.filename)}`) as typeof import('./drizzle.ts')
      this.#pool = drizzleOn(this.#url)
    }
    return this.#pool.database
  }

  async close(): Promise<void> {
    const [lock, pool] = [this.#ownLock, this.#pool]
    this.#ownLock = undefined
    this.#pool = undefined
    await pool?.close()
    await this.#connection.close(async (session) => lock?.release(session))
  }
}
