import fc from 'fast-check'
import { expect } from 'vitest'
import type { OpenRun } from '../../../src/queue/queue.ts'
import type { Failure, Outcome } from '../../../src/task/outcome.ts'
import { tryAgain } from '../../../src/task/try-again.ts'
import { command, expectRefusal, hasRuns, hour, often, pickRun, whichRun, worker } from './command.ts'
import type { Attempt, Expected } from './expected.ts'
import { expectClaim, type System, tablesOf } from './system.ts'

/** From one table now and then, as `ops worker --only` does. */
const only = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(5) })
const error = 'no such host'

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Outcome>({ kind: 'succeeded', columns: {} }) },
  fc.constantFrom<Outcome>(
    { kind: 'failed', error },
    { kind: 'timed out', error: 'timed out after 1m' },
    { kind: 'canceled', error: 'canceled by eve' },
    { kind: 'quarantined', error: 'quarantined' },
  ),
  fc.constantFrom<Outcome>(
    { kind: 'failed', error, return: {} },
    { kind: 'failed', error, return: { delay: 0 } },
    { kind: 'failed', error, return: { delay: hour } },
    { kind: 'interrupted', error: 'interrupted by shutdown', return: { givesAttemptBack: true } },
    { kind: 'crashed', error: 'worker died', return: {} },
  ),
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

/** Also of runs that were taken away: those change nothing. */
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

/** With what the processor returned. */
const settleWithColumns = command(
  'settleWithColumns',
  fc.record({ run: whichRun, worker, isRefused: fc.boolean() }),
  async (model, system, { run: which, worker, isRefused }) => {
    const run = pickRun(model, which)!
    const { queue } = system.worker(worker)
    const columns: Readonly<Record<string, [string, unknown, unknown]>> = {
      builds: ['revision', 'abc', undefined],
      checks: ['url', 'http://b', undefined],
      releases: ['environment', 'c', undefined],
      deployments: ['buildId', null, 999_999],
    }
    const [key, good, bad] = columns[run.task.queued.table.name] ?? []
    if (key === undefined) return
    const value = isRefused && bad !== undefined ? bad : good
    const settling = queue.settle(run.handle!, { kind: 'succeeded', columns: { [key]: value } })
    if (value === bad && run.isOpen) return expectRefusal(settling, /foreign key/i)
    const held = model.settle(run, { kind: 'succeeded', columns: { [key]: value } }, system.now())
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

/** The worker of a run is gone, and one or two others decide about it by what they saw of it, perhaps long ago. */
const recover = command(
  'recover',
  fc.record({ run: whichRun, worker, isTwice: fc.boolean() }),
  async (model, system, { run: which, worker, isTwice }) => {
    const run = pickRun(model, which)!
    const seen = system.seen.get(run.id)!
    const outcome = outcomeOfDead(seen, run)
    const deciders = [system.worker(worker), ...(isTwice ? [system.worker(worker + 1)] : [])]
    const decided = await Promise.all(deciders.map(({ queue }) => queue.settleDead(seen, run.task.queued, outcome)))
    const isOurs = model.settle(run, outcome, system.now())
    expect(decided.filter(Boolean)).toHaveLength(isOurs ? 1 : 0)
    const decider = deciders[decided.indexOf(true)]
    if (!decider) return
    const detail = { worker: run.worker, outcome: outcome.kind, processor: run.task.queued.processor }
    model.record(run.task, run.id, 'recovered', null, null, decider.id, detail)
  },
  hasRuns,
)

/** Leaves its open runs behind; they may still be settled, since a run is not bound to a worker's place. */
const restart = command('restart', fc.record({ worker }), async (_, system, { worker }) => {
  const { id, queue } = system.worker(worker)
  await queue.close()
  const { queue: other } = system.worker(worker + 1)
  expect(await other.isAlive(id)).toBe(false)
  await system.start(worker)
  expect(await other.isAlive(system.worker(worker).id)).toBe(true)
  expect(await other.hasLivingWorker()).toBe(true)
})

export const workerCommands = [
  ...often(10, claim),
  ...often(8, settle),
  ...often(2, settleWithColumns),
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
  return tryAgain({ kind: 'crashed', error }, task.queued.retryRules, seen)
}
