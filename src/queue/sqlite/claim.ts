import type { Statement } from 'better-sqlite3'
import type { TaskColumn } from '../../task-table/task-table.ts'
import type { Claim, QueuedTable, Run, TaskId, UnmetPrerequisite } from '../queue.ts'
import type { Connection } from './connection.ts'
import { claimOrder, isHeld, isKeyTaken, keyOf } from './guarantees.ts'
import { columnNamed, decodeRow, encode, literal, quote } from './values.ts'

/** So many of the first tasks are looked at in order; behind more that wait for busy keys, one is looked at for each key. */
const FIRST_TASKS = 50

interface Candidate {
  readonly id: TaskId
  readonly attempt: number
  readonly key: string | null
}

/** Begins runs on one task table. */
export class TableClaims {
  readonly #queued: QueuedTable
  readonly #runAt: TaskColumn | undefined
  readonly #startedAt: TaskColumn | undefined
  readonly #peek: Statement
  readonly #finds: readonly Statement[]
  readonly #begin: Statement
  readonly #ongoing: Statement
  readonly #row: Statement
  readonly #next: Statement | undefined
  readonly #prerequisites: readonly { column: string; table: string; status: Statement }[]
  /** Whether the last look found a task: where one was, there is most likely another. */
  #wasBusy = false

  constructor({ database }: Connection, queued: QueuedTable, workerId: string) {
    const statements = claimStatements(queued, workerId)
    this.#queued = queued
    this.#runAt = columnNamed(queued.table, 'run_at')
    this.#startedAt = columnNamed(queued.table, 'started_at')
    this.#peek = database.prepare(statements.peek).pluck()
    this.#finds = statements.finds.map((sql) => database.prepare(sql))
    this.#begin = database.prepare(statements.begin)
    this.#ongoing = database.prepare(statements.ongoing)
    this.#row = database.prepare(statements.row)
    this.#next = statements.next === undefined ? undefined : database.prepare(statements.next).pluck()
    this.#prerequisites = queued.after.map(({ column, table }) => ({
      column,
      table,
      status: database.prepare(`select status from ${quote(table)} where id = ?`).pluck(),
    }))
  }

  /** Whether a task is due, its key aside: a look that takes no lock. */
  hasDue(now: number): boolean {
    return this.#peek.get(...this.#due(now)) !== undefined
  }

  /** When the first task that is not yet due will be, in milliseconds since the epoch. */
  nextRunAt(now: number): number | undefined {
    const raw = this.#next?.get(...this.#due(now))
    return raw === undefined ? undefined : millisecondsOf(this.#runAt!, raw)
  }

  /** Begins the run of the first task that may run. Inside a transaction of the caller's. */
  claim(now: number): Claim | undefined {
    // Most tables are empty most of the time, and this is the cheapest way to see it.
    if (!this.#wasBusy && !this.hasDue(now)) return undefined
    this.#wasBusy = false
    const queued = this.#queued
    const deadline = queued.timeout === undefined ? null : now + queued.timeout
    for (const find of this.#finds) {
      const candidate = find.get(...this.#due(now)) as Candidate | undefined
      if (!candidate) continue
      const { id, attempt, key } = candidate
      const { lastInsertRowid } = this.#begin.run(id, attempt, key, now, deadline)
      this.#ongoing.run(...(this.#startedAt ? [instant(this.#startedAt, now)] : []), id)
      const row = this.#row.get(id) as Record<string, unknown>
      const run = {
        id: Number(lastInsertRowid),
        queued,
        taskId: id,
        attempt: (row.attempt as number | undefined) ?? 1,
        deadlineAt: deadline === null ? undefined : new Date(deadline),
      }
      this.#wasBusy = true
      return new ClaimedRow(run, row, this.#unmetBy(row))
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

/** A claimed task. A row that cannot be decoded must fail as a task, and not keep the worker from claiming. */
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

/** An instant as this column keeps it: in an existing table it may be a plain number or text. */
export function instant(column: TaskColumn, at: number): unknown {
  if (!column.codec) return at
  const date = new Date(at)
  switch (column.type) {
    case 'timestamp':
      return encode(column, date)
    case 'text':
      return date.toISOString()
    default:
      return at
  }
}

function millisecondsOf(column: TaskColumn, raw: unknown): number {
  const value = column.codec ? column.codec.decode(raw) : raw
  return typeof value === 'number' ? value : new Date(value as Date | string).getTime()
}

/**
 * The statements of the polling path, apart from their preparation so that their plans can be asserted. The status is a
 * literal in each: a bound one hides the partial index from the planner.
 */
export function claimStatements({ processor, table, exclusivity, after }: QueuedTable, workerId: string) {
  const name = quote(table.name)
  const has = (column: string) => columnNamed(table, column) !== undefined
  const order = claimOrder(table.columns)
  const isDue = has('run_at') ? `status = 'pending' and run_at <= ?` : `status = 'pending'`
  const key = keyOf(exclusivity, 't')
  const isFree = [
    ...(exclusivity.kind === 'none' ? [] : [`not ${isKeyTaken(key)}`]),
    `not ${isHeld(processor, exclusivity, key)}`,
  ].join(' and ')
  // Named in full: the table that is waited for may have a column of that name, or be the same table.
  const isReady = (row: string) =>
    after
      .map(({ column, table: awaited }) => {
        const isWaiting = `p.id = ${row}.${quote(column)} and p.status in ('pending', 'ongoing')`
        return ` and not exists (select 1 from ${quote(awaited)} p where ${isWaiting})`
      })
      .join('')
  const attempt = has('attempt') ? 'coalesce(t.attempt, 0) + 1' : '1'
  const find = (candidates: string) => `select t.id, ${attempt} as attempt, ${key} as key from ${candidates} limit 1`
  const reset = ['finished_at', 'error', 'progress', 'progress_note'].filter(has).map((column) => `${column} = null`)
  const filled = [
    `status = 'ongoing'`,
    ...(has('started_at') ? ['started_at = ?'] : []),
    ...(has('attempt') ? ['attempt = coalesce(attempt, 0) + 1'] : []),
    ...reset,
  ]
  return {
    // What waits for others is passed over here too: there may be many of them, and this look takes no lock.
    peek: `select 1 from ${name} where ${isDue}${isReady(name)} limit 1`,
    // Each apart from the next: RETURNING, and an INSERT that selects, cost a table of their own with each task.
    finds: candidates().map(find),
    // The id is read once more, so that it is kept as the task has it: a number that is bound is a real one.
    begin: `insert into ops_runs (task_table, task_id, attempt, worker_id, exclusive_key, started_at, deadline_at)
values (${literal(table.name)}, (select id from ${name} where id = ?), ?, ${literal(workerId)}, ?, ?, ?)`,
    ongoing: `update ${name} set ${filled.join(', ')} where id = ?`,
    row: `select * from ${name} where id = ?`,
    next: has('run_at')
      ? `select run_at from ${name} where status = 'pending' and run_at > ? order by run_at limit 1`
      : undefined,
  }

  function candidates(): string[] {
    switch (exclusivity.kind) {
      case 'none':
      case 'table':
        return [`${name} t where ${isDue} and ${isFree}${isReady('t')} order by ${order}`]
      case 'column': {
        const needed = ['id', quote(exclusivity.column), ...(has('attempt') ? ['attempt'] : [])].join(', ')
        return [
          // Not ordered once more outside: that would fetch all of them to sort them, where the first is nearly always it.
          `(select ${needed} from ${name} where ${isDue}${isReady(name)} order by ${order} limit ${FIRST_TASKS}) t where ${isFree}`,
          `(${firstOfEachKey(quote(exclusivity.column))}) t where ${isFree} order by ${order}`,
        ]
      }
    }
  }

  /**
   * Walks the keys and not the tasks: as cheap behind a million waiting tasks as behind one. The walk ends with null,
   * which is also the key of the tasks that have none.
   */
  function firstOfEachKey(column: string): string {
    const pending = `from ${name} where status = 'pending' and ${column}`
    return `with recursive keys (value) as (
  select min(${column}) ${pending} is not null
  union all
  select (select min(${column}) ${pending} > keys.value) from keys where keys.value is not null
)
select h.* from keys join ${name} h on h.id = (
  select id from ${name} where ${isDue} and ${column} is keys.value${isReady(name)} order by ${order} limit 1
)`
  }
}
