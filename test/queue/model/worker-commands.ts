import fc from 'fast-check'
import { expect } from 'vitest'
import type { OpenRun } from '../../../src/queue/queue.ts'
import type { Failure, Outcome } from '../../../src/task/outcome.ts'
import { applyRetryRules } from '../../../src/task/retry-rules.ts'
import { command, expectRefusal, hasRuns, hour, often, pickRun, whichRun, worker } from './command.ts'
import type { Attempt, Expected } from './expected.ts'
import { expectClaim, type System, tablesOf } from './system.ts'

/** Sometimes from one table, as with `ops worker --only`. */
const only = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(5) })
const error = 'no such host'

const outcome: fc.Arbitrary<Outcome> = fc.constantFrom<Outcome>(
  ...often(6, { kind: 'succeeded', columns: {} } as const),
  { kind: 'failed', error },
  { kind: 'timed_out', error: 'timed out after 1m' },
  { kind: 'canceled', error: 'canceled by eve' },
  { kind: 'quarantined', error: 'quarantined' },
  { kind: 'failed', error, return: {} },
  { kind: 'failed', error, return: { delay: 0 } },
  { kind: 'failed', error, return: { delay: hour } },
  { kind: 'interrupted', error: 'interrupted by shutdown', return: { givesAttemptBack: true } },
  { kind: 'crashed', error: 'worker died', return: {} },
)

const claim = command(
  'claim',
  fc.record({ worker, only }),
  async (model: Expected, system: System, { worker, only }) => {
    const { id, queue } = system.worker(worker)
    const tables = tablesOf(only)
    const now = system.now()
    expectClaim(model, await queue.claim(tables), model.next(tables, now), id, now)
  },
)

/** Also runs that were taken away, which changes nothing. */
const settle = command(
  'settle',
  fc.record({ run: whichRun, worker, outcome, next: fc.oneof(fc.constant(undefined), only) }),
  async (model, system, { run: which, worker, outcome, next }) => {
    const run = pickRun(model, which)!
    const { id, queue } = system.worker(worker)
    const now = system.now()
    const tables = next === undefined ? [] : tablesOf(next)
    await expectState(system, worker, run)
    const settled = await queue.settle(run.handle!, outcome, tables)
    expect(settled.held).toBe(model.settle(run, outcome, now))
    expectClaim(model, settled.next, model.next(tables, now), id, now)
  },
  hasRuns,
)

/** What a processor returns, and values that the table refuses. */
const results: Readonly<Record<string, { key: string; good: unknown; bad?: unknown }>> = {
  checks: { key: 'url', good: 'http://b' },
  builds: { key: 'revision', good: 'abc' },
  releases: { key: 'environment', good: 'c' },
  deployments: { key: 'buildId', good: null, bad: 999_999 },
  syncs: { key: 'ref', good: 'v1' },
}

/** With columns: all is written, or nothing. */
const settleWithColumns = command(
  'settleWithColumns',
  fc.record({ run: whichRun, worker, outcome, isBad: fc.boolean() }),
  async (model, system, { run: which, worker, outcome, isBad }) => {
    const run = pickRun(model, which)!
    const { queued, own } = run.task
    const result = results[queued.table.name]
    if (!result) return
    const { key, good, bad } = result
    const value = isBad && bad !== undefined ? bad : good
    const settling = system.worker(worker).queue.settle(run.handle!, { ...outcome, columns: { [key]: value } })
    const alike = model.alike(queued, { ...own, [key]: value })
    if (run.isOpen && value === bad) return expectRefusal(settling, /foreign key/i)
    // A task that returns may conflict with another unsettled task.
    if (run.isOpen && alike && alike !== run.task && model.statusAfter(run, outcome) === 'pending')
      return expectRefusal(settling, /unique/i)
    const held = model.settle(run, { ...outcome, columns: { [key]: value } }, system.now())
    expect(await settling).toMatchObject({ held })
  },
  hasRuns,
)

const report = command(
  'report',
  fc.record({
    run: whichRun,
    worker,
    note: fc.option(fc.constant('half'), { nil: undefined }),
    milestone: fc.boolean(),
  }),
  async (model, system, { run: which, worker, note, milestone }) => {
    const run = pickRun(model, which)!
    const { id, queue } = system.worker(worker)
    const progress = { fraction: 0.5, note, isMilestone: milestone }
    expect(await queue.report(run.handle!, progress)).toBe(run.isOpen)
    expect(await queue.recordProcessGroups(run.handle!, 'boot', [{ id: 1, startTime: 2 }])).toBe(run.isOpen)
    if (!run.isOpen) return
    Object.assign(run.task, { progress: 0.5, note: note ?? null })
    const detail = note === undefined ? { progress: 0.5 } : { progress: 0.5, note }
    if (milestone) model.record(run.task, run.id, 'progress', null, null, id, detail)
  },
  hasRuns,
)

/** The worker of a run is dead, and one or two others settle the run as they saw it, perhaps long ago. */
const recover = command(
  'recover',
  fc.record({ run: whichRun, worker, isTwice: fc.boolean() }),
  async (model, system, { run: which, worker, isTwice }) => {
    const run = pickRun(model, which)!
    const seen = system.seen.get(run.id)!
    const outcome = outcomeOfDead(seen, run)
    const deciders = [system.worker(worker), ...(isTwice ? [system.worker(worker + 1)] : [])]
    const decided = await Promise.all(deciders.map(({ queue }) => queue.settleDead(seen, run.task.queued, outcome)))
    const decider = deciders[decided.indexOf(true)]
    const isOurs = model.settle(run, outcome, system.now(), decider?.id)
    expect(decided.filter(Boolean)).toHaveLength(isOurs ? 1 : 0)
    if (!decider) return
    const detail = { worker: run.worker, outcome: outcome.kind, processor: run.task.queued.processor }
    model.record(run.task, run.id, 'recovered', null, null, decider.id, detail)
  },
  hasRuns,
)

/** Leaves its open runs behind, which can still be settled. */
const restart = command('restart', fc.record({ worker }), async (_, system, { worker }) => {
  const { id, queue } = system.worker(worker)
  await queue.close()
  const { queue: other } = system.worker(worker + 1)
  expect(await other.isAlive(id)).toBe(false)
  await system.start(worker)
  expect(await other.isAlive(system.worker(worker).id)).toBe(true)
  expect(await other.livingWorkers()).not.toEqual([])
})

export const workerCommands = [
  ...often(10, claim),
  ...often(8, settle),
  ...often(4, settleWithColumns),
  ...often(1, report),
  ...often(3, recover),
  ...often(1, restart),
]

async function expectState(system: System, nth: number, { handle, isOpen, askedBy }: Attempt): Promise<void> {
  const state = await system.worker(nth).queue.stateOf(handle!)
  expect(state).toEqual({ isHeld: isOpen, cancelRequestedBy: isOpen ? askedBy : undefined })
}

/** As recovery decides. */
function outcomeOfDead(seen: OpenRun, { task, worker }: Attempt): Failure {
  const error = `worker ${worker} died`
  if (seen.cancelRequestedBy !== undefined) return { kind: 'canceled', error }
  return applyRetryRules({ kind: 'crashed', error }, task.queued.retryRules, seen)
}
