import fc from 'fast-check'
import { expect } from 'vitest'
import { command, hour, often, worker } from './command.ts'
import type { Schedule, Task } from './expected.ts'
import { expectAdded, row, rowOf, tableOf } from './rows.ts'

const schedule = fc.constantFrom('nightly', 'hourly')

const register = command(
  'register',
  fc.record({ name: schedule, definition: fc.constantFrom('x', 'y'), worker }),
  async (model, system, { name, definition, worker }) => {
    const state = await system.worker(worker).queue.schedules.register(name, definition)
    const before = model.schedules.get(name)
    const since = before?.definition === definition ? before.since : state.since.getTime()
    expect(Math.abs(system.now() - since)).toBeLessThan(
      before?.definition === definition ? Number.POSITIVE_INFINITY : 60_000,
    )
    const known = { lastTick: undefined, lastTask: undefined, ...before, definition, since }
    model.schedules.set(name, known)
    expect(state).toEqual(stateOf(name, known))
  },
)

/** By two workers at the same time, one of which does the tick. */
const tick = command(
  'tick',
  fc.record({ name: schedule, hours: fc.integer({ min: -1, max: 3 }), row: fc.option(row, { freq: 4 }), worker }),
  async (model, system, { name, hours, row, worker }) => {
    const known = model.schedules.get(name)
    const at = (known?.lastTick ?? known?.since ?? system.now()) + hours * hour
    const queued = row === null ? undefined : tableOf(row)
    const values = row === null ? {} : rowOf(model, row)
    const task = queued && { table: queued.table, row: values }
    const ticks = [worker, worker + 1].map((nth) => system.worker(nth).queue.schedules.tick(name, new Date(at), task))
    const dealt = (await Promise.all(ticks)).filter(({ isOurs }) => isOurs)
    const isDue = known !== undefined && at > Math.max(known.lastTick ?? 0, known.since)
    expect(dealt).toHaveLength(isDue ? 1 : 0)
    if (!known || !isDue) return
    known.lastTick = at
    const added = dealt[0]!.task
    expect(added === undefined).toBe(queued === undefined)
    if (queued && added) {
      const [{ id }] = expectAdded(model, queued, [values], [added], {
        actor: `schedule ${name}`,
        now: system.now(),
      }) as [Task]
      known.lastTask = { table: queued.table.name, id }
    }
    const states = [...model.schedules].map(([name, schedule]) => stateOf(name, schedule))
    const listed = await system.worker(worker).queue.schedules.list()
    expect(listed).toEqual(states.sort((a, b) => (a.name < b.name ? -1 : 1)))
  },
  ({ schedules }) => schedules.size > 0,
)

export const scheduleCommands = [...often(2, register), ...often(2, tick)]

function stateOf(name: string, { since, lastTick, lastTask }: Schedule) {
  return { name, since: new Date(since), lastTickAt: lastTick === undefined ? undefined : new Date(lastTick), lastTask }
}
