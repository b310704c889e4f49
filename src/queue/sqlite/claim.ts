import type { Statement } from 'better-sqlite3'
import { columnNamed, type TaskColumn } from '../../task-table/task-table.ts'
import type { Claim, QueuedTable, Run, TaskId, UnmetPrerequisite } from '../queue.ts'
import { quote } from '../sql-fragments.ts'
import { claimStatements } from './claim-statements.ts'
import type { Connection } from './connection.ts'
import { RunList } from './run-list.ts'
import { decodeRow, instant, millisecondsOf } from './values.ts'

/** As safe integers: a number would round a large id to that of another task. */
interface Candidate {
  readonly id: bigint | number | string
  readonly attempt: bigint
  readonly key: string | null
}

/** Claims the tasks of one table. */
export class TableClaims {
  readonly #queued: QueuedTable
  readonly #workerId: string
  readonly #runAt: TaskColumn | undefined
  readonly #startedAt: TaskColumn | undefined
  readonly #peek: Statement
  readonly #finds: readonly Statement[]
  readonly #begin: Statement
  readonly #open: Statement
  readonly #openKey: Statement
  readonly #ongoing: Statement
  readonly #row: Statement
  readonly #list: RunList
  readonly #next: Statement | undefined
  readonly #prerequisites: readonly { column: string; table: string; status: Statement }[]
  /** Whether the last claim found a task: then there is most likely another. */
  #wasBusy = false

  constructor(connection: Connection, queued: QueuedTable, workerId: string) {
    const { database } = connection
    const statements = claimStatements(queued, workerId)
    this.#queued = queued
    this.#workerId = workerId
    this.#runAt = columnNamed(queued.table, 'run_at')
    this.#startedAt = columnNamed(queued.table, 'started_at')
    this.#peek = database.prepare(statements.peek).pluck()
    this.#finds = statements.finds.map((sql) => database.prepare(sql).safeIntegers())
    this.#begin = database.prepare(statements.begin)
    this.#open = database.prepare(statements.open)
    this.#openKey = database.prepare(statements.openKey)
    this.#ongoing = database.prepare(statements.ongoing)
    this.#row = database.prepare(statements.row)
    this.#list = new RunList(connection)
    this.#next = statements.next === undefined ? undefined : database.prepare(statements.next).pluck()
    this.#prerequisites = queued.after.map(({ column, table }) => ({
      column,
      table,
      status: database.prepare(`select status from ${quote(table)} where id = ?`).pluck(),
    }))
  }

  /** Whether a task is due, whatever its key. Takes no lock. */
  hasDue(now: number): boolean {
    return this.#peek.get(...this.#due(now)) !== undefined
  }

  /** When the next scheduled task is due, in milliseconds since the epoch. */
  nextRunAt(now: number): number | undefined {
    const raw = this.#next?.get(...this.#due(now))
    return raw === undefined ? undefined : millisecondsOf(this.#runAt!, raw)
  }

  /**
   * Starts the run of the first task that may run. The caller has a transaction open.
   *
   * @param follows the run that has ended in this transaction, whose end has the number before that of the new run
   */
  claim(now: number, follows: number | undefined): Claim | undefined {
    // Most tables have no due task most of the time, and this is the cheapest way to find out.
    if (!this.#wasBusy && !this.hasDue(now)) return undefined
    this.#wasBusy = false
    const queued = this.#queued
    const deadline = queued.timeout === undefined ? null : now + queued.timeout
    for (const find of this.#finds) {
      const candidate = find.get(...this.#due(now)) as Candidate | undefined
      if (!candidate) continue
      const { attempt, key } = candidate
      const id = exactId(candidate.id)
      const { lastInsertRowid } = this.#begin.run(follows ?? null, follows ?? null, id, attempt, key, now, deadline)
      const run = Number(lastInsertRowid)
      this.#open.run(run, run)
      if (key !== null) this.#openKey.run(key, run)
      this.#list.extend(run)
      this.#ongoing.run(...(this.#startedAt ? [instant(this.#startedAt, now)] : []), id)
      const row = this.#row.get(id) as Record<string, unknown>
      if (typeof candidate.id === 'bigint') row.id = id
      const claimed = {
        id: run,
        queued,
        taskId: id,
        workerId: this.#workerId,
        attempt: (row.attempt as number | undefined) ?? 1,
        deadlineAt: deadline === null ? undefined : new Date(deadline),
      }
      this.#wasBusy = true
      return new ClaimedRow(claimed, row, this.#unmetBy(row))
    }
    return undefined
  }

  #unmetBy(row: Record<string, unknown>): UnmetPrerequisite | undefined {
    for (const { column, table, status } of this.#prerequisites) {
      const id = row[column] as TaskId | null
      if (id === null) continue
      const found = status.get(id) as UnmetPrerequisite['status']
      if (found !== 'succeeded') return { table, id, status: found }
    }
    return undefined
  }

  #due(now: number): unknown[] {
    return this.#runAt ? [instant(this.#runAt, now)] : []
  }
}

/** An id that a number cannot hold is a text, which SQLite compares with the column as the integer that it is. */
export function exactId(id: Candidate['id']): TaskId {
  if (typeof id !== 'bigint') return id
  return Number.isSafeInteger(Number(id)) ? Number(id) : String(id)
}

/** A claimed task. A row that cannot be decoded must fail its task and not the claim. */
class ClaimedRow implements Claim {
  readonly run: Run
  readonly unmet: UnmetPrerequisite | undefined
  readonly #row: Record<string, unknown>

  constructor(run: Run, row: Record<string, unknown>, unmet: UnmetPrerequisite | undefined) {
    this.run = run
    this.#row = row
    this.unmet = unmet
  }

  get task(): Record<string, unknown> {
    return decodeRow(this.run.queued.table, this.#row)
  }
}
