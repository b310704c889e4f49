import { ResultRefusedError } from '../../errors.ts'
import { type Failpoint, failpoint, isSet } from '../../failpoint.ts'
import { steadyNow } from '../../platform/clock.ts'
import type { Outcome } from '../../task/outcome.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import { canceledInstead, type Settlement, settlementOf } from '../decisions.ts'
import type { Claim, QueuedTable, Settled, TaskId, UnmetPrerequisite } from '../queue.ts'
import { claimStatement } from './claim.ts'
import { isRefusal } from './explain-error.ts'
import { NO_GATE } from './gate.ts'
import type { Session } from './session.ts'
import { settleStatement } from './settle.ts'
import type { Row } from './statements.ts'
import { exactly, RowParser } from './type-parsers.ts'
import { decodeRow, encode, isExisting } from './values.ts'

/** The parts of a run that a settlement needs. */
export interface EndedRun {
  readonly id: number
  readonly taskId: TaskId
  readonly table: TaskTable
  /** Who ends it, if not its own worker. */
  readonly endedBy?: string
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
  readonly #onAnswer: (sentAt: number, hasBegun: boolean) => void
  readonly #rowParser = new RowParser()
  #isInDoubt = false
  #wasRefused = false
  #lastSettle: { table: TaskTable; columns: number; next: readonly QueuedTable[]; text: string } | undefined
  /** Runs whose end the server refuses: they stay open, and this worker does know of them. */
  readonly #unwritten = new Set<number>()

  /**
   * @param workerId undefined if this process is no worker: then its runs have the worker id `ops`
   * @param onAnswer called with when a statement was sent that was answered, and whether a run began
   */
  constructor(workerId?: string, onAnswer: (sentAt: number, hasBegun: boolean) => void = () => {}) {
    this.#onAnswer = onAnswer
    this.workerId = workerId ?? 'ops'
    this.#isWorker = workerId !== undefined
  }

  async claim(session: Session, tables: readonly QueuedTable[]): Promise<Claim | typeof NO_GATE | undefined> {
    this.#wasRefused = false
    const claim = this.#isInDoubt
      ? await this.#claimInDoubt(session, tables)
      : await this.#trackDoubt(session, 'claim.before-commit', () => this.#begin(session, tables))
    return this.#wasRefused ? NO_GATE : claim
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
    const wasHeld = held || (await hasEndedItself(session, run))
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
    const sentAt = steadyNow()
    const [row] = await session.prepared(claimStatement(tables), [this.workerId, begun ?? null])
    this.#onAnswer(sentAt, row?.claim != null)
    this.#wasRefused = row !== undefined && row.place === null
    return this.#toClaim(tables, row)
  }

  async #end(
    session: Session,
    run: EndedRun,
    outcome: Outcome,
    next: readonly QueuedTable[],
    settlement: Settlement = settlementOf(outcome),
  ): Promise<Settled> {
    await this.#prepareParser(session, next)
    const { table } = run
    const own = Object.entries(outcome.columns ?? {})
    const { status, outcome: kind, error } = settlement
    const back = outcome.kind === 'succeeded' ? undefined : outcome.return
    const ended = [
      run.id,
      String(run.taskId),
      status,
      kind,
      error,
      back?.delay ?? null,
      back?.givesAttemptBack ?? false,
    ]
    try {
      const names = own.length > 0 ? [own.map(([key]) => table.columns[key]!.name)] : []
      const values = own.map(([key, value]) => asText(encode(table.columns[key]!, value)))
      const worker = next.length > 0 ? [this.workerId] : []
      const text = this.#settleText(table, own.length, next)
      const sentAt = steadyNow()
      const [row] = await session.prepared(text, [...ended, run.endedBy ?? null, ...worker, ...names, ...values])
      if (row!.asked !== null) return this.#end(session, run, outcome, next, canceledInstead(settlement, row!.asked))
      this.#onAnswer(sentAt, row!.claim != null)
      this.#unwritten.delete(run.id)
      const { held, diverged } = row!
      return { held, next: this.#toClaim(next, row), ...(diverged && { divergence: diverged }) }
    } catch (cause) {
      if (isRefusal(cause)) this.#unwritten.add(run.id)
      if (own.length > 0 && isRefusal(cause)) throw new ResultRefusedError(table.name, cause as Error)
      throw cause
    }
  }

  /** Nearly always that of the task before. To make it takes a twentieth of a step. */
  #settleText(table: TaskTable, columns: number, next: readonly QueuedTable[]): string {
    const last = this.#lastSettle
    if (last?.table === table && last.columns === columns && last.next === next) return last.text
    const text = settleStatement(table, columns, next)
    this.#lastSettle = { table, columns, next, text }
    return text
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
    const { run: id, task: key, attempt, deadline, unmet, row: columns } = row.claim as ClaimedRow
    const taskId = columnNamed(queued.table, 'id')!.type === 'integer' ? exactly(key) : key
    return {
      run: {
        id,
        queued,
        taskId,
        attempt,
        workerId: this.workerId,
        deadlineAt: deadline === null ? undefined : new Date(deadline),
      },
      unmet: unmet ? { ...unmet, status: unmet.status ?? undefined } : undefined,
      // A row that cannot be decoded must fail its task and not the claim.
      get task() {
        const { table } = queued
        // In JSON a large id would not be exact.
        return decodeRow(table, isExisting(table) ? rowParser.parse(table, columns as never) : { ...columns, id: key })
      },
    }
  }
}

/** What the claim function of a table returns. */
interface ClaimedRow {
  run: number
  /** The text of its id. */
  task: string
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

/** Whether its own worker has ended a run: by the settlement whose answer was lost. */
async function hasEndedItself(session: Session, { id }: EndedRun): Promise<boolean> {
  const text = 'select 1 from ops_runs where id = $1 and ended_at is not null and ended_by is null'
  return (await session.query(text, [id])).length === 1
}

/** A value that the driver sends as text. */
function asText(value: unknown): unknown {
  return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
}
