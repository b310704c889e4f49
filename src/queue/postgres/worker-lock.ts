import { setTimeout as delay } from 'node:timers/promises'
import { bootId, pidNamespace, processStat } from '../../platform/proc.ts'
import type { LivingWorker, OpenRun, WorkerIdentity } from '../queue.ts'
import { setSequencesForward } from './sequences.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'

/*
 * When a worker may be considered dead that this machine cannot prove to be: once its lock has been free for long enough
 * to connect again after a restart of the server, and its last sign of life is older than its lease by the time that it
 * takes to end a task. Both are measured by this process, so that nothing depends on how clocks are set.
 */
export const FREE_FOR_MS = 15_000
export const SILENT_FOR_MS = 40_000

/** How long the server may take to end a lost session. */
const END_WITHIN_MS = 2000

export interface PostgresOptions {
  /** Milliseconds for which the lock of a worker on another machine must be free before it counts as dead. */
  readonly freeForMs?: number
  /** Milliseconds for which such a worker must have given no sign of life. */
  readonly silentForMs?: number
}

/** A worker's lock in `pg_locks`. The oid of the table keeps it apart from other programs' locks. */
const isLockOf = (lockId: string) => `l.locktype = 'advisory' and l.classid = 'ops_workers'::regclass
  and l.objid = (${lockId})::oid and l.objsubid = 2 and l.granted
  and l.database = (select d.oid from pg_database d where d.datname = current_database())`

/**
 * With these, the server soon frees the lock of a worker whose host has disappeared. The last one is for a notification
 * that was sent meanwhile: unacknowledged data is sent again for a quarter of an hour, without keepalives.
 */
const KEEPALIVES = [
  'set tcp_keepalives_idle = 10',
  'set tcp_keepalives_interval = 5',
  'set tcp_keepalives_count = 3',
  'set tcp_user_timeout = 25000',
].join('; ')

/** The lock of this process's worker: an advisory lock of its session. */
export class OwnLock {
  readonly #lockId: number

  private constructor(lockId: number) {
    this.#lockId = lockId
  }

  static async register(session: Session, { id, host, pid, version }: WorkerIdentity): Promise<OwnLock> {
    await setSequencesForward(session)
    const [row] = await session.query(
      `insert into ops_workers (id, host, pid, boot_id, process_started, version, state)
       values ($1, $2, $3, $4, $5, $6, 'polling') returning lock_id`,
      [id, host, pid, machine() ?? null, processStat(pid)?.startTime ?? null, version],
    )
    return new OwnLock(row!.lock_id)
  }

  /** Takes the lock on a new session. */
  async acquire(session: Session): Promise<void> {
    await session.query(KEEPALIVES)
    const end = performance.now() + END_WITHIN_MS
    for (;;) {
      const [row] = await session.query(
        `select pg_try_advisory_lock('ops_workers'::regclass::oid::int4, $1::int4) as taken`,
        [this.#lockId],
      )
      if (row!.taken) return this.renew(session)
      // No other worker has this number: the lost session has it, and the server does not yet know that it is lost.
      await session.query(`select pg_terminate_backend(l.pid) from pg_locks l where ${isLockOf('$1')}`, [this.#lockId])
      if (performance.now() > end) throw new Error('The lost session still holds the lock of this worker.')
      await delay(20)
    }
  }

  /** Writes a sign of life, on the session that holds the lock. A worker that was considered dead is alive again. */
  async renew(session: Session): Promise<void> {
    const text = `update ops_workers set seen_at = clock_timestamp(), state = 'polling', stopped_at = null
where lock_id = $1 returning 1`
    this.#requireRow(await session.prepared(text, [this.#lockId]))
  }

  /**
   * The same on another session.
   *
   * @returns whether the session that holds the lock is executing a statement
   */
  async renewBeside(session: Session): Promise<boolean> {
    const text = `update ops_workers w set seen_at = clock_timestamp() where lock_id = $1 and stopped_at is null
returning exists (
  select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid where ${isLockOf('$1')} and a.state = 'active'
) as is_busy`
    return this.#requireRow(await session.query(text, [this.#lockId])).is_busy
  }

  /** Whether this session holds the lock, as other sessions see it. */
  async isHeldBy(session: Session): Promise<boolean> {
    const text = `select 1 from pg_locks l where ${isLockOf('$1')} and l.pid = pg_backend_pid()`
    return (await session.query(text, [this.#lockId])).length === 1
  }

  async recordTables(session: Session, tables: readonly string[]): Promise<void> {
    await session.query('update ops_workers set task_tables = $2 where lock_id = $1', [this.#lockId, tables])
  }

  async release(session: Session): Promise<void> {
    await session.query(
      `update ops_workers set state = 'stopped', stopped_at = now() where lock_id = $1 and stopped_at is null`,
      [this.#lockId],
    )
    await session.query(`select pg_advisory_unlock('ops_workers'::regclass::oid::int4, $1::int4)`, [this.#lockId])
  }

  #requireRow([row]: Row[]): Row {
    if (row) return row
    throw new Error('This worker is no longer in ops_workers; no sign of life was written.')
  }
}

/** What a process has seen of a worker on another machine; the instants are of the monotonic clock. */
interface Sighting {
  readonly seenAt: string
  /** Its open run: that it began is a sign of life too. */
  readonly run: number | undefined
  /** Since when it has had this last sign of life. */
  readonly since: number
  /** Since when its lock has been free. */
  freeSince: number | undefined
  isDead: boolean
}

/** The locks and the signs of life of all workers, which tell who is alive. */
export class WorkerLocks {
  readonly #freeForMs: number
  readonly #silentForMs: number
  readonly #sightings = new Map<string, Sighting>()

  constructor(freeForMs = FREE_FOR_MS, silentForMs = SILENT_FOR_MS) {
    this.#freeForMs = freeForMs
    this.#silentForMs = silentForMs
  }

  async isAlive(session: Session, workerId: string): Promise<boolean> {
    const [row] = await session.query(`${FIND_WORKERS} where w.id = $1`, [workerId])
    return row !== undefined && this.#isAlive(row)
  }

  async livingOf(session: Session, runs: readonly OpenRun[]): Promise<Set<string>> {
    const openRun = new Map(runs.map(({ workerId, id }) => [workerId, id]))
    const rows = await session.query(`${FIND_WORKERS} where w.id = any($1)`, [[...openRun.keys()]])
    return new Set(rows.filter((row) => this.#isAlive(row, openRun.get(row.id))).map(({ id }) => id))
  }

  async countHere(session: Session): Promise<number> {
    const text = `select count(*)::int as count from (${FIND_WORKERS} where w.boot_id = $1) w where w.is_held`
    const [row] = await session.query(text, [machine() ?? null])
    return Math.max(1, row!.count)
  }

  /**
   * Whether a worker that the latest look found dead has given no sign of life since, and has not had its lock. Locks its
   * row, so that a worker that is back knows of this transaction when it has written its next sign of life.
   */
  async isStillDead(session: Session, workerId: string): Promise<boolean> {
    const sighting = this.#sightings.get(workerId)
    // Nobody has found it dead: its run is overdue.
    if (!sighting?.isDead) return true
    const text = `update ops_workers w set stopped_at = coalesce(w.stopped_at, now()),
  state = case w.state when 'stopped' then w.state else 'died' end
where w.id = $1 and w.seen_at::text = $2 and not exists (select 1 from pg_locks l where ${isLockOf('w.lock_id')})
returning 1`
    return (await session.query(text, [workerId, sighting.seenAt])).length === 1
  }

  async living(session: Session): Promise<LivingWorker[]> {
    const rows = await session.query(`${FIND_WORKERS} where w.stopped_at is null order by w.lock_id`)
    return rows
      .filter((row) => this.#isAlive(row))
      .map(({ id, task_tables }) => ({ id, tables: task_tables ?? undefined }))
  }

  #isAlive(worker: Row, run?: number): boolean {
    const now = performance.now()
    const sighting = this.#sight(worker, now, run)
    const isAlive = this.#isLiving(worker, sighting, now)
    sighting.isDead = !isAlive
    return isAlive
  }

  #isLiving(worker: Row, sighting: Sighting, now: number): boolean {
    // If its process is running, it has only lost its connection.
    if (worker.boot_id !== null && worker.boot_id === machine()) {
      return worker.is_held || (!worker.is_stopped && isRunning(worker))
    }
    if (worker.is_held) return true
    if (worker.is_stopped) return false
    return now - sighting.since < this.#silentForMs || now - sighting.freeSince! < this.#freeForMs
  }

  #sight({ id, seen_at, is_held }: Row, now: number, run: number | undefined): Sighting {
    const before = this.#sightings.get(id)
    const sighting: Sighting =
      before && before.seenAt === seen_at && (run === undefined || before.run === run)
        ? before
        : { seenAt: seen_at, run: run ?? before?.run, since: now, freeSince: before?.freeSince, isDead: false }
    sighting.freeSince = is_held ? undefined : (sighting.freeSince ?? now)
    this.#sightings.set(id, sighting)
    return sighting
  }
}

/** A worker that was considered dead may come back, so only one that has stopped by itself needs no proof. */
const FIND_WORKERS = `with held as materialized (
  select l.objid from pg_locks l where ${isLockOf('l.objid')}
)
select w.id, w.pid, w.boot_id, w.process_started, w.seen_at::text as seen_at, w.task_tables,
  w.state = 'stopped' as is_stopped,
  w.lock_id::oid in (select objid from held) as is_held
from ops_workers w`

function isRunning({ pid, process_started }: Row): boolean {
  const stat = processStat(pid)
  return stat !== undefined && stat.state !== 'Z' && stat.startTime === process_started
}

/** The boot and the process namespace to which a pid belongs; undefined without /proc. */
function machine(): string | undefined {
  const namespace = pidNamespace()
  return namespace && `${bootId()} ${namespace}`
}
