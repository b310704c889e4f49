import { ResultRefusedError } from '../../errors.ts'
import { type Failpoint, failpoint, isSet } from '../../failpoint.ts'
import { type Outcome, statusAfter } from '../../task/outcome.ts'
import type { TaskTable } from '../../task-table/task-table.ts'
import type { Claim, QueuedTable, TaskId, UnmetPrerequisite } from '../queue.ts'
import { claimStatement } from './claim.ts'
import { isRefusal } from './explain-error.ts'
import type { Session } from './session.ts'
import { settleStatement, TAKEN_AWAY } from './settle.ts'
import type { Row } from './statements.ts'
import { RowParser } from './type-parsers.ts'
import { decodeRow, encode, isExisting } from './values.ts'

/** The parts of a run that a settlement needs. */
export interface EndedRun {
  readonly id: number
  readonly taskId: TaskId
  readonly table: TaskTable
}

export interface Settled {
  readonly held: boolean
  readonly next: Claim | undefined
}

/**
 * Claims and settles the runs of one worker, each in one round trip.
 *
 * If the connection is lost before the answer arrives, the database may have started a run that the worker does not know
 * of and that no one would perform: the next statement looks for it first.
 */
export class Runs {
  readonly workerId: string
  readonly #isWorker: boolean
  readonly #rowParser = new RowParser()
  #isInDoubt = false
  /** Runs whose end the server refuses: they stay open, and this worker does know of them. */
  readonly #unwritten = new Set<number>()

  /** @param workerId undefined if this process is no worker: then its runs have the worker id `ops` */
  constructor(workerId?: string) {
    this.workerId = workerId ?? 'ops'
    this.#isWorker = workerId !== undefined
  }

  async claim(session: Session, tables: readonly QueuedTable[]): Promise<Claim | undefined> {
    if (this.#isInDoubt) return this.#claimInDoubt(session, tables)
    return this.#trackDoubt(session, 'claim.before-commit', () => this.#begin(session, tables))
  }

  /** @throws ResultRefusedError if the database refuses the columns that the processor returned */
  async settle(session: Session, run: EndedRun, outcome: Outcome, next: readonly QueuedTable[]): Promise<Settled> {
    if (this.#isInDoubt) return this.#settleInDoubt(session, run, outcome, next)
    return this.#trackDoubt(session, 'settle.before-commit', () => this.#end(session, run, outcome, next))
  }

  async #settleInDoubt(
    session: Session,
    run: EndedRun,
    outcome: Outcome,
    next: readonly QueuedTable[],
  ): Promise<Settled> {
    const { held } = await this.#end(session, run, outcome, [])
    const wasHeld = held || (await hasEndedWith(session, run, outcome))
    return { held: wasHeld, next: await this.#claimInDoubt(session, next, run.id) }
  }

  async #claimInDoubt(session: Session, tables: readonly QueuedTable[], known?: number): Promise<Claim | undefined> {
    const begun = await this.#findUnknownRun(session, known)
    const claim = await this.#trackDoubt(session, 'claim.before-commit', () => this.#begin(session, tables, begun))
    // If this claim does not include its table, the next one looks for it.
    this.#isInDoubt = begun !== undefined && claim === undefined
    return claim
  }

  async #begin(session: Session, tables: readonly QueuedTable[], begun?: number): Promise<Claim | undefined> {
    if (tables.length === 0) return undefined
    await this.#prepareParser(session, tables)
    const rows = await session.prepared(claimStatement(tables), [this.workerId, begun ?? null])
    return this.#toClaim(tables, rows[0])
  }

  async #end(
    session: Session,
    { id, taskId, table }: EndedRun,
    outcome: Outcome,
    next: readonly QueuedTable[],
  ): Promise<Settled> {
    await this.#prepareParser(session, next)
    const own = outcome.columns ?? {}
    const failure = outcome.kind === 'succeeded' ? undefined : outcome
    const keys = Object.keys(own)
    const ended = [id, String(taskId), statusAfter(outcome), outcome.kind, failure?.error ?? null]
    const back = [failure?.return?.delay ?? null, failure?.return?.givesAttemptBack ?? false]
    try {
      const columns = keys.length > 0 ? [taskId, ...keys.map((key) => encode(table.columns[key]!, own[key]))] : []
      const worker = next.length > 0 ? [this.workerId] : []
      const text = settleStatement(table, keys, next)
      const [row] = await session.prepared(text, [...ended, ...back, ...worker, ...columns])
      this.#unwritten.delete(id)
      return { held: row!.held, next: this.#toClaim(next, row) }
    } catch (cause) {
      if ((cause as { code?: unknown }).code === TAKEN_AWAY)
        return { held: false, next: await this.#begin(session, next) }
      if (isRefusal(cause)) this.#unwritten.add(id)
      if (keys.length > 0 && isRefusal(cause)) throw new ResultRefusedError(table.name, cause as Error)
      throw cause
    }
  }

  async #trackDoubt<T>(session: Session, point: Failpoint, work: () => Promise<T>): Promise<T> {
    this.#isInDoubt = this.#isWorker
    try {
      const result = await beforeCommit(session, point, work)
      this.#isInDoubt = false
      return result
    } catch (error) {
      if (!session.hasEnded) this.#isInDoubt = false
      throw error
    }
  }

  /** The open run of this worker that it does not know of. */
  async #findUnknownRun(session: Session, known = 0): Promise<number | undefined> {
    const text = 'select id from ops_runs where worker_id = $1 and ended_at is null and id <> all($2)'
    const [row] = await session.query(text, [this.workerId, [known, ...this.#unwritten]])
    return row?.id
  }

  async #prepareParser(session: Session, tables: readonly QueuedTable[]): Promise<void> {
    for (const { table } of tables) if (isExisting(table)) await this.#rowParser.prepare(session, table)
  }

  #toClaim(tables: readonly QueuedTable[], row: Row | undefined): Claim | undefined {
    if (!row?.claim) return undefined
    const queued = tables[row.place]!
    const rowParser = this.#rowParser
    const { run: id, task: taskId, attempt, deadline, unmet, row: columns } = row.claim as ClaimedRow
    return {
      run: { id, queued, taskId, attempt, deadlineAt: deadline === null ? undefined : new Date(deadline) },
      unmet: unmet ? { ...unmet, status: unmet.status ?? undefined } : undefined,
      // A row that cannot be decoded must fail its task and not the claim.
      get task() {
        const { table } = queued
        return decodeRow(table, isExisting(table) ? rowParser.parse(table, columns as never) : columns)
      },
    }
  }
}

/** What the claim function of a table returns. */
interface ClaimedRow {
  run: number
  task: TaskId
  attempt: number
  deadline: string | null
  unmet: { table: string; id: TaskId; status: UnmetPrerequisite['status'] | null } | null
  row: Record<string, unknown>
}

/** A statement commits by itself, so a failpoint before the commit needs a transaction around it. */
async function beforeCommit<T>(session: Session, point: Failpoint, work: () => Promise<T>): Promise<T> {
  if (!isSet(point)) return work()
  return session.transaction(async () => {
    const result = await work()
    failpoint(point)
    return result
  })
}

/** Whether a run has ended with this outcome: by the settlement whose answer was lost. */
async function hasEndedWith(session: Session, { id }: EndedRun, { kind }: Outcome): Promise<boolean> {
  const text = 'select 1 from ops_runs where id = $1 and ended_at is not null and outcome = $2'
  return (await session.query(text, [id, kind])).length === 1
}
