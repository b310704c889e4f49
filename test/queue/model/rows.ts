import fc from 'fast-check'
import { expect } from 'vitest'
import type { EnqueuedTask, QueuedTable } from '../../../src/queue/queue.ts'
import { environment, nth } from './command.ts'
import type { Expected, Task } from './expected.ts'
import { pick } from './system.ts'
import { modelTables } from './tables.ts'

export const table = fc.nat(5)

/** What a row of any table is made from: some have an environment, some wait for others. */
export const row = fc.record({
  table,
  environment,
  ref: fc.constantFrom('v1', undefined),
  first: fc.option(nth),
  second: fc.option(nth),
})

export type RowChoice = typeof row extends fc.Arbitrary<infer T> ? T : never

export function tableOf({ table }: Pick<RowChoice, 'table'>): QueuedTable {
  return pick(modelTables, table)!
}

/** The values that are given to the queue. */
export function rowOf(model: Expected, choice: RowChoice): Record<string, unknown> {
  const one = (table: string, nth: number | null) => (nth === null ? undefined : awaited(model.tasksOf(table), nth)?.id)
  const { environment, ref, first, second } = choice
  const rows: Record<string, Record<string, unknown>> = {
    checks: { url: 'http://a' },
    builds: { repository: 'a' },
    deployments: { environment, buildId: one('builds', first) },
    releases: { environment, deploymentId: one('deployments', first), checkId: one('checks', second) },
    steps: { previousId: one('steps', first) },
    syncs: { environment, ref },
  }
  return rows[tableOf(choice).table.name]!
}

/** Every second time one that did not succeed: what waits for it is claimed all the same, to fail. */
function awaited(tasks: readonly Task[], nth: number): Task | undefined {
  const unmet = tasks.filter(({ status }) => status === 'failed' || status === 'canceled')
  return pick(nth % 2 === 1 && unmet.length > 0 ? unmet : tasks, nth)
}

/** Elapses between what the model and what the database call now; all times of tasks are hours apart. */
const ROUGHLY_MS = 60_000

/** Adds to the model what the queue says it has added, if that is right. */
export function expectAdded(
  model: Expected,
  queued: QueuedTable,
  rows: readonly Readonly<Record<string, unknown>>[],
  added: readonly EnqueuedTask[],
  {
    runAt = realNow(),
    actor,
    now = realNow(),
    isDue = true,
  }: { runAt?: number | undefined; actor?: string | undefined; now?: number; isDue?: boolean } = {},
): Task[] {
  expect(added).toHaveLength(rows.length)
  return added.map(({ id, isNew, scheduledFor }, index) => {
    const own = ownOf(queued, rows[index]!)
    const there = model.alike(queued, own)
    expect({ id, isNew }).toEqual({ id: there?.id ?? expect.any(Number), isNew: there === undefined })
    if (there) {
      const { status, attempt } = there
      const isWaiting = isDue && status === 'pending' && attempt === 0
      const isMoved = scheduledFor !== undefined
      // Where the two clocks are close, either may be ahead.
      if (!isWaiting || Math.abs(there.runAt - now) > ROUGHLY_MS) expect(isMoved).toBe(isWaiting && there.runAt > now)
      if (isMoved) expect(Math.abs(scheduledFor!.getTime() - there.runAt)).toBeLessThan(ROUGHLY_MS)
      if (isMoved) Object.assign(there, { runAt: now, isRunAtRough: true })
      return there
    }
    const earlier = model.audit.map(({ task, event, detail }) => {
      const [name, ofTask] = task?.split(' ') ?? []
      if (name !== queued.table.name) return 0
      return Number(event === 'pruned' ? (detail as { lastId: number }).lastId : ofTask)
    })
    // Ids grow from task to task, those that are gone included.
    expect(id).toBeGreaterThan(Math.max(0, ...earlier))
    return model.add(queued, Number(id), own, runAt, actor)
  })
}

/** The row's own columns as the database has them: with its defaults. */
function ownOf({ table }: QueuedTable, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.values(table.columns).filter(({ isLifecycle }) => !isLifecycle)
  return Object.fromEntries(own.map(({ key, name, defaultValue }) => [name, values[key] ?? defaultValue ?? null]))
}

/** By the clock that no test turns: what a database goes by that gives the time of an insert itself. */
function realNow(): number {
  return performance.timeOrigin + performance.now()
}
