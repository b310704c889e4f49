import { setTimeout as delay } from 'node:timers/promises'
import { bootId, pidNamespace, processStat } from '../../platform/proc.ts'
import type { LivingWorker, WorkerIdentity } from '../queue.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'

/** How long a lock must be free before its worker counts as dead, if this machine cannot prove it. */
export const FREE_FOR_MS = 15_000

/** How long the server may take to end a lost session. */
const END_WITHIN_MS = 2000

/** A worker's lock in `pg_locks`. The oid of the table keeps it apart from other programs' locks. */
const isLockOf = (lockId: string) => `l.locktype = 'advisory' and l.classid = 'ops_workers'::regclass
  and l.objid = (${lockId})::oid and l.objsubid = 2 and l.granted
  and l.database = (select d.oid from pg_database d where d.datname = current_database())`

/** With these, the server soon frees the lock of a worker whose host has disappeared. */
const KEEPALIVES = [
  'set tcp_keepalives_idle = 10',
  'set tcp_keepalives_interval = 5',
  'set tcp_keepalives_count = 3',
].join('; ')

/** The lock of this process's worker: an advisory lock of its session. */
export class OwnLock {
  readonly #lockId: number

  private constructor(lockId: number) {
    this.#lockId = lockId
  }

  static async register(session: Session, { id, host, pid, version }: WorkerIdentity): Promise<OwnLock> {
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
      if (row!.taken) return
      // No other worker has this number: the lost session has it, and the server does not yet know that it is lost.
      await session.query(`select pg_terminate_backend(l.pid) from pg_locks l where ${isLockOf('$1')}`, [this.#lockId])
      if (performance.now() > end) throw new Error('The lost session still holds the lock of this worker.')
      await delay(20)
    }
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
}

/** The locks of all workers, which tell who is alive. */
export class WorkerLocks {
  readonly #freeForMs: number
  /** Since when a lock has been free, by the monotonic clock. */
  readonly #freeSince = new Map<string, number>()

  constructor(freeForMs = FREE_FOR_MS) {
    this.#freeForMs = freeForMs
  }

  async isAlive(session: Session, workerId: string): Promise<boolean> {
    const [row] = await session.query(`${FIND_WORKERS} where w.id = $1`, [workerId])
    return row !== undefined && this.#isAlive(row)
  }

  async living(session: Session): Promise<LivingWorker[]> {
    const rows = await session.query(`${FIND_WORKERS} where w.stopped_at is null order by w.lock_id`)
    return rows
      .filter((row) => this.#isAlive(row))
      .map(({ id, task_tables }) => ({ id, tables: task_tables ?? undefined }))
  }

  #isAlive(worker: Row): boolean {
    const isProven = worker.boot_id !== null && worker.boot_id === machine()
    if (worker.is_held || worker.is_stopped || isProven) {
      this.#freeSince.delete(worker.id)
      // If its process is running, it has only lost its connection.
      return worker.is_held || (!worker.is_stopped && isRunning(worker))
    }
    const now = performance.now()
    const since = this.#freeSince.get(worker.id) ?? now
    this.#freeSince.set(worker.id, since)
    return now - since < this.#freeForMs
  }
}

const FIND_WORKERS = `select w.id, w.pid, w.boot_id, w.process_started, w.task_tables, w.stopped_at is not null as is_stopped,
  exists (select 1 from pg_locks l where ${isLockOf('w.lock_id')}) as is_held
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
