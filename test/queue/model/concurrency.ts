import fc from 'fast-check'
import { expect } from 'vitest'
import type { Run } from '../../../src/queue/queue.ts'
import type { Outcome } from '../../../src/task/outcome.ts'
import { environment, nth, person } from './command.ts'
import { violations } from './invariants.ts'
import { readSnapshot, rewritten, type Snapshot } from './snapshot.ts'
import { pick, type System, type Worker } from './system.ts'
import { holdKeys, modelTables } from './tables.ts'

/** An action of one worker beside the others. Returns the run that the worker has after it. */
export type Act = (worker: Worker, run: Run | undefined, together: Together) => Promise<Run | undefined>

interface Together {
  readonly system: System
  /** The runs that a call claims to have ended. */
  readonly ended: number[]
}

const succeeded: Outcome = { kind: 'succeeded', columns: {} }
const again: Outcome = { kind: 'failed', error: 'no such host', return: { delay: 0 } }

/** A worker has one run at a time. */
function work(outcome: Outcome): Act {
  return async ({ queue }, run, { ended }) => {
    if (!run) return (await queue.claim(modelTables))?.run
    const { held, next } = await queue.settle(run, outcome, modelTables)
    if (held) ended.push(run.id)
    return next?.run
  }
}

export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(work(succeeded)) },
  { weight: 2, arbitrary: fc.constant(work(again)) },
  { weight: 2, arbitrary: fc.record({ nth, environment }).map(({ nth, environment }) => enqueueOne(nth, environment)) },
  { weight: 2, arbitrary: fc.record({ nth, person }).map(({ nth, person }) => cancelOne(nth, person)) },
  { weight: 1, arbitrary: nth.map(retryOne) },
  { weight: 1, arbitrary: nth.map(takeOrRelease) },
  { weight: 1, arbitrary: nth.map(recoverOne) },
  { weight: 1, arbitrary: nth.map(endByHand) },
)

function enqueueOne(nth: number, environment: string | null): Act {
  return async ({ queue }, run) => {
    const { table } = pick([modelTables[1]!, modelTables[2]!, modelTables[5]!], nth)!
    await queue.enqueue(table, [table.name === 'builds' ? { repository: 'a' } : { environment }])
    return run
  }
}

function cancelOne(nth: number, person: string): Act {
  return async ({ queue }, run) => {
    await queue.cancel(pick(modelTables, nth)!.table, 1 + (nth % 4), person)
    return run
  }
}

function retryOne(nth: number): Act {
  return async ({ queue }, run) => {
    await queue.retry(pick(modelTables, nth)!.table, 1 + (nth % 4), 'ada').catch(unless(/unique/i))
    return run
  }
}

function takeOrRelease(nth: number): Act {
  return async ({ queue }, run) => {
    const key = pick(holdKeys, nth)!
    if (await queue.holds.take(key, 'ada', undefined)) await queue.holds.release(key, 'ada')
    return run
  }
}

/** Takes a run away from its worker, which notices when it settles. */
function recoverOne(nth: number): Act {
  return async ({ queue }, run, { ended }) => {
    const open = await queue.openRuns()
    const seen = pick(open, nth)
    const queued = modelTables.find(({ table }) => table.name === seen?.taskTable)
    const crashed = { kind: 'crashed', error: 'worker died', return: {} } as const
    if (seen && queued && (await queue.settleDead(seen, queued, crashed))) ended.push(seen.id)
    return run
  }
}

/** Refused while a worker performs the task. */
function endByHand(nth: number): Act {
  return async (_, run, { system: { database } }) => {
    const { name } = pick(modelTables, nth)!.table
    await database
      .sql(`update ${name} set status = 'canceled' where id = ${1 + (nth % 4)} and status = 'ongoing'`)
      .catch(unless(/only its worker changes its status/))
    return run
  }
}

function unless(expected: RegExp): (error: unknown) => void {
  return (error) => {
    if (!expected.test(String(error))) throw error
  }
}

/** Each worker performs its script; the scripts run concurrently, in an order that fast-check chooses. */
export async function actConcurrently(
  system: System,
  scripts: readonly (readonly Act[])[],
  scheduler: fc.Scheduler,
): Promise<void> {
  for (const { table, processor } of modelTables) {
    const row = {
      repository: processor === 'build' ? 'a' : undefined,
      environment: 'environment' in table.columns ? 'a' : undefined,
    }
    await system.worker(0).queue.enqueue(table, [row])
  }
  const looks: Snapshot[] = []
  const started: number[] = []
  const ended: number[] = []
  const actors = scripts.map(async (script, place) => {
    const worker = system.worker(place)
    let run: Run | undefined
    for (const act of script) {
      await scheduler.schedule(Promise.resolve(), worker.id)
      const before = run?.id
      run = await act(worker, run, { system, ended })
      if (run && run.id !== before) started.push(run.id)
      looks.push(await snapshotOf(system))
    }
  })
  await scheduler.waitFor(Promise.all(actors))
  const end = await snapshotOf(system)
  expect(violations(end)).toEqual([])
  for (const look of looks) expect(rewritten(look, end)).toEqual([])
  // Each run was ended by one call only.
  expect(ended.toSorted((a, b) => a - b)).toEqual([...new Set(ended)].toSorted((a, b) => a - b))
  // Each run was given to one worker only, and each started run is in the database.
  expect(started.toSorted((a, b) => a - b)).toEqual(end.runs.map(({ id }) => id))
}

async function snapshotOf({ database }: System): Promise<Snapshot> {
  return readSnapshot((text) => database.sql(text), database.milliseconds)
}
