import { setTimeout as delay } from 'node:timers/promises'
import { checkOpenState } from '../../src/doctor/check-open-state.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import { describeViolation, type Violation } from '../../src/queue/invariants.ts'
import { openQueue } from '../../src/queue/open-queue.ts'
import type { Queue, QueuedTable } from '../../src/queue/queue.ts'
import { FOREIGN_WRITER } from '../../src/queue/records.ts'
import type { Sql } from '../support/invariants.ts'
import { databaseAt, type TestDatabase } from '../support/test-database.ts'
import type { Random } from './random.ts'
import { schemaChanges } from './schema-changes.ts'

/** What a foreign client can write while the triggers are missing; ops makes each of the others wrong by itself. */
const EXCUSED: readonly Violation['code'][] = [
  'TASK_WITHOUT_RUN',
  'RUN_WITHOUT_TASK',
  'STATUS_UNEXPLAINED',
  'TASK_WITHOUT_AUDIT',
]

/** How ops and the databases refuse what a client asks for. */
const REFUSED = /cannot go from|must wait: |is ongoing and |has succeeded and |must be "pending"|is on hold|constraint/

/** Another transaction was in the way; the client would try again. */
const IN_THE_WAY = /database is locked|database schema|deadlock detected|lock timeout|could not serialize/

/** How long a contradiction may stay while triggers are in place: the runs that are open have ended by then. */
const REPAIRED_WITHIN_MS = 30_000

export interface MigratorReport {
  rounds: number
  schemaChanges: number
  staleWrites: number
  refused: number
  /** Promises that were broken. */
  broken: string[]
}

/** Changes the tables of the torture as a careless application does, beside the workers. */
export class Migrator {
  readonly #url: string
  readonly #random: Random
  readonly #queue: Queue
  readonly #tables: readonly QueuedTable[]
  readonly #database: TestDatabase
  readonly #report: MigratorReport = {
    ...{ rounds: 0, schemaChanges: 0, staleWrites: 0, refused: 0 },
    broken: [],
  }

  private constructor(url: string, random: Random, queue: Queue, tables: readonly QueuedTable[]) {
    this.#url = url
    this.#random = random
    this.#queue = queue
    this.#tables = tables
    this.#database = databaseAt(url)
  }

  static async open(url: string, random: Random): Promise<Migrator> {
    const processors = await Promise.all(
      ['note', 'count', 'move', 'sync'].map((name) => import(`../fixtures/plugin-torture/src/${name}.ts`)),
    )
    const tables = processors.map(({ default: processor }) => toQueuedTable(processor, {}))
    return new Migrator(url, random, await openQueue(url, { directory: '/' }), tables)
  }

  async round(): Promise<void> {
    this.#report.rounds += 1
    for (let acts = this.#random.between(2, 8); acts > 0; acts -= 1) {
      if (this.#random.happens(0.4)) await this.#changeSchema()
      else await this.#saveStaleRow()
      await delay(this.#random.between(0, 200))
    }
    // Sometimes the workers are left to notice it.
    if (this.#random.happens(0.2)) return
    await this.#putRight()
    if (this.#random.happens(0.5)) await this.#prune()
  }

  async close(): Promise<MigratorReport> {
    await this.#putRight()
    await this.#queue.close()
    await this.#database.close()
    return this.#report
  }

  async #changeSchema(): Promise<void> {
    const change = this.#random.one(schemaChanges[this.#url.startsWith('sqlite:') ? 'SQLite' : 'PostgreSQL'])
    const { name } = this.#random.one(this.#tables).table
    if (await this.#inTransaction((run) => change(run, name, this.#random))) this.#report.schemaChanges += 1
  }

  /** As an ORM saves all columns of an object that it has read before. */
  async #saveStaleRow(): Promise<void> {
    const { name } = this.#random.one(this.#tables).table
    const status = this.#random.one(['pending', 'ongoing', 'ongoing', 'ongoing', 'succeeded', 'failed', 'canceled'])
    const order = `order by id desc limit 1 offset ${this.#random.between(0, 3)}`
    const [row] = await this.#database.sql(`select * from ${name} where status = '${status}' ${order}`)
    if (!row) return
    await delay(this.#random.between(0, 300))
    const { id, ...others } = row
    const values = Object.entries(others).map(([column, value]) => [column, literal(value)] as const)
    const set = values.map(([column, value]) => `${column} = ${value}`).join(', ')
    const all = `(id, ${values.map(([column]) => column).join(', ')})`
    const given = `(${[id, ...values.map(([, value]) => value)].join(', ')})`
    const replace = this.#url.startsWith('sqlite:')
      ? `insert or replace into ${name} ${all} values ${given}`
      : `insert into ${name} ${all} overriding system value values ${given} on conflict (id) do update set ${set}`
    const bulk = `update ${name} set status = ${literal(row.status)} where id between ${Number(id) - 2} and ${id}`
    const text = this.#random.one([`update ${name} set ${set} where id = ${id}`, replace, bulk])
    if (await this.#inTransaction(async (run) => void (await run(text)))) this.#report.staleWrites += 1
  }

  /** Returns whether it was done. */
  async #inTransaction(act: (run: Sql) => Promise<void>): Promise<boolean> {
    const { sql } = this.#database
    const isSqlite = this.#url.startsWith('sqlite:')
    if (isSqlite) await sql('pragma foreign_keys = off')
    try {
      await sql(isSqlite ? 'begin immediate' : 'begin')
      await act(sql)
      await sql('commit')
      return true
    } catch (error) {
      await sql('rollback').catch(() => {})
      const message = String(error)
      if (REFUSED.test(message)) this.#report.refused += 1
      else if (!IN_THE_WAY.test(message)) this.#report.broken.push(`a migration got an error: ${message}`)
      return false
    } finally {
      if (isSqlite) await sql('pragma foreign_keys = on')
    }
  }

  /** Installs the triggers again and repairs what was written without them, until nothing is left of it. */
  async #putRight(): Promise<void> {
    await this.#queue.migrate([], this.#tables)
    const names = this.#tables.map(({ table }) => table.name)
    const found = await this.#queue.invariants.find(names, { history: true })
    this.#break(found.filter(({ code }) => !EXCUSED.includes(code)))
    const end = performance.now() + REPAIRED_WITHIN_MS
    for (;;) {
      await this.#cancelForeignRuns()
      const checks = await checkOpenState({ queue: this.#queue } as never, this.#tables, true)
      if (checks.every(({ status }) => status === 'ok')) break
      if (performance.now() > end) {
        this.#report.broken.push(...checks.flatMap(({ problem }) => problem?.message ?? []))
        break
      }
      await delay(100)
    }
    // Nothing new can contradict itself while the triggers are in place.
    this.#break(await this.#queue.invariants.find(names, { history: true }))
  }

  #break(violations: readonly Violation[]): void {
    this.#report.broken.push(...violations.map(describeViolation))
  }

  /** A stale row has begun a run that no program performs. */
  async #cancelForeignRuns(): Promise<void> {
    for (const { workerId, taskTable, taskId } of await this.#queue.openRuns()) {
      const queued = this.#tables.find(({ table }) => table.name === taskTable)!
      if (workerId === FOREIGN_WRITER) await this.#queue.cancel(queued.table, taskId, 'migrator')
    }
  }

  async #prune(): Promise<void> {
    const plan = this.#tables.toReversed().map((queued) => {
      // A sync may wait for the latest one.
      const at = new Date(Date.now() - (queued.table.name === 'syncs' ? 60_000 : 5000))
      return { queued, before: { succeeded: at, failed: at, canceled: at } }
    })
    for await (const _ of this.#queue.history.prune(plan, { actor: 'migrator', all: this.#tables }));
  }
}

function literal(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  return `'${(value instanceof Date ? value.toISOString() : String(value)).replaceAll("'", "''")}'`
}
