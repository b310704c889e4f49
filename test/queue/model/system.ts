import { expect } from 'vitest'
import type { Claim, OpenRun, Queue, QueuedTable } from '../../../src/queue/queue.ts'
import type { DatabaseKind } from '../../support/test-database.ts'
import type { Attempt, Expected, Task } from './expected.ts'
import { violations } from './invariants.ts'
import { type Row, readSnapshot, rewritten, type Snapshot } from './snapshot.ts'
import { modelTables } from './tables.ts'

/** A database of its own for one sequence of commands. */
export interface ModelDatabase {
  readonly name: DatabaseKind['name']
  /** Opens another connection. */
  open(): Promise<Queue>
  /** Runs a statement like a person in an SQL shell. */
  sql(text: string): Promise<readonly Row[]>
  /** An SQL expression: an instant as milliseconds since the epoch. */
  milliseconds(column: string): string
  /** The time by which tasks are due. */
  now(): number
  /** Moves the clock; returns by how much the instants in the tables were moved instead. */
  jump(milliseconds: number): Promise<number>
  remove(): Promise<void>
}

export interface Worker {
  readonly id: string
  readonly queue: Queue
}

/** How far a rough instant may be from the expected one. */
const ROUGHLY_MS = 60_000

/** The queue under test: several workers on one database. */
export class System {
  readonly database: ModelDatabase
  readonly workers: Worker[] = []
  /** Open runs as they were seen before: recovery may use an old one. */
  readonly seen = new Map<number, OpenRun>()
  #started = 0
  #before: Snapshot | undefined

  constructor(database: ModelDatabase) {
    this.database = database
  }

  /** Starts a worker at a place, where there may have been another. */
  async start(place: number): Promise<void> {
    this.#started += 1
    const worker = { id: `worker-${this.#started}`, queue: await this.database.open() }
    await worker.queue.startWorker({ id: worker.id, host: 'here', pid: process.pid, version: '0' })
    this.workers[place] = worker
  }

  worker(nth: number): Worker {
    return pick(this.workers, nth)!
  }

  now(): number {
    return this.database.now()
  }

  async close(): Promise<void> {
    for (const { queue } of this.workers) await queue.close()
    await this.database.remove()
  }

  /** History was pruned: what is left of it is compared with the model. */
  forget(): void {
    this.#before = undefined
  }

  /** Compares everything with the model and checks the invariants. */
  async compare(expected: Expected): Promise<void> {
    const snapshot = await readSnapshot((text) => this.database.sql(text), this.database.milliseconds)
    expect(violations(snapshot)).toEqual([])
    const tables = modelTables.map(({ table }) => table.name)
    expect(await this.worker(0).queue.invariants.find(tables, { history: true })).toEqual([])
    expect(this.#before ? rewritten(this.#before, snapshot) : []).toEqual([])
    this.#before = snapshot
    adoptRoughInstants(expected, snapshot)
    same(snapshot.tasks, modelTables.flatMap(({ table }) => expected.tasksOf(table.name)).map(taskRow))
    same(snapshot.runs, expected.runs.map(runRow))
    same(
      snapshot.audit,
      expected.audit.map((entry, index) =>
        entry.actor === undefined ? { ...entry, actor: snapshot.audit[index]?.actor } : entry,
      ),
    )
    await this.#compareOpenRuns(expected)
  }

  async #compareOpenRuns(expected: Expected): Promise<void> {
    const runs = await this.workers[0]!.queue.openRuns()
    for (const run of runs) this.seen.set(run.id, run)
    const now = this.now()
    same(
      runs
        .map(({ id, taskTable, taskId, attempt, workerId, overdue, cancelRequestedBy, crashes }) => ({
          ...{ id, task: `${taskTable} ${taskId}`, attempt, worker: workerId },
          ...{ isOverdue: overdue !== undefined, askedBy: cancelRequestedBy, crashes },
        }))
        .sort((a, b) => a.id - b.id),
      expected.runs
        .filter(({ isOpen }) => isOpen)
        .map(({ id, task, attempt, worker, deadlineAt, askedBy }) => ({
          ...{ id, task: nameOf(task), attempt, worker },
          ...{ isOverdue: deadlineAt !== undefined && deadlineAt <= now, askedBy },
          crashes: expected.runs.filter((run) => run.task === task && run.outcome === 'crashed').length,
        })),
    )
  }
}

/** Compares a claim with the expected task, and starts its run in the model. */
export function expectClaim(
  expected: Expected,
  claim: Claim | undefined,
  task: Task | undefined,
  worker: string,
  now: number,
): void {
  expect(claim && `${claim.run.queued.table.name} ${claim.run.taskId}`).toBe(task && nameOf(task))
  if (!claim || !task) return
  const { run, unmet } = claim
  expect(run.id).toBeGreaterThan(expected.runs.at(-1)?.id ?? 0)
  expect(unmet).toEqual(expected.unmet(task))
  const { attempt } = expected.begin(task, run.id, worker, now, run)
  expect(run.attempt).toBe(attempt)
  expect(run.queued).toBe(task.queued)
  expect(claim.task).toMatchObject({ id: task.id, status: 'ongoing', attempt, error: null, progress: null })
}

/** The tables of a claim, in order. */
export function tablesOf(only: number | null): readonly QueuedTable[] {
  return only === null ? modelTables : [pick(modelTables, only)!]
}

export function pick<T>(list: readonly T[], nth: number): T | undefined {
  return list[nth % list.length]
}

export function nameOf({ queued, id }: Task): string {
  return `${queued.table.name} ${id}`
}

/** Vitest compares slowly, so it is used only to show a difference. */
function same(actual: unknown, wanted: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(wanted)) expect(actual).toEqual(wanted)
}

/** The database sets the time of an insert and of a delay; from then on it is exact. */
function adoptRoughInstants(expected: Expected, { tasks }: Snapshot): void {
  const actual = new Map(tasks.map(({ name, runAt }) => [name, runAt]))
  for (const task of expected.tasks) {
    const runAt = actual.get(nameOf(task))
    if (!task.isRunAtRough || runAt === undefined) continue
    expect(Math.abs(runAt - task.runAt)).toBeLessThan(ROUGHLY_MS)
    Object.assign(task, { runAt, isRunAtRough: false })
  }
}

function taskRow(task: Task): object {
  const { status, attempt, runAt, hasStarted, hasFinished, error, progress, note, own } = task
  return { name: nameOf(task), status, attempt, runAt, hasStarted, hasFinished, error, progress, note, own }
}

function runRow({ id, task, attempt, worker, key, isOpen, outcome, error }: Attempt): object {
  return { id, task: nameOf(task), attempt, worker, key, isOpen, outcome, error }
}
