import fc from 'fast-check'
import { expect } from 'vitest'
import type { QueuedTable } from '../../../src/queue/queue.ts'
import { isSettled, type Status } from '../../../src/task/lifecycle.ts'
import {
  command,
  environment,
  expectRefusal,
  hasTasks,
  hour,
  nth,
  often,
  person,
  pickTask,
  whichTask,
  worker,
} from './command.ts'
import type { Expected, Task } from './expected.ts'
import { expectClaim, pick } from './system.ts'
import { holdKeys, modelTables } from './tables.ts'

const table = fc.nat(5)
const ref = fc.constantFrom('v1', undefined)

/** More than the tasks that a claim looks at one by one, so that it must find its way past them. */
const MANY = 51

const row = fc.record({ table, environment, ref, first: fc.option(nth), second: fc.option(nth) })
type RowChoice = typeof row extends fc.Arbitrary<infer T> ? T : never

const enqueue = command(
  'enqueue',
  fc.record({
    row,
    hours: fc.constantFrom(null, null, null, null, -3, -2, 2),
    times: fc.integer({ min: 1, max: 3 }),
    actor: fc.option(person, { nil: undefined }),
    worker,
  }),
  async (model, system, { row, hours, times, actor, worker }) => {
    const queued = pick(modelTables, row.table)!
    const values = rowOf(model, queued, row)
    const runAt = hours === null ? undefined : new Date(system.now() + hours * hour)
    const { queue } = system.worker(worker)
    const added = await queue.enqueue(queued.table, Array(times).fill(values), { runAt, actor })
    for (const { id, isNew } of added) {
      const own = ownOf(queued, values)
      const there = model.alike(queued, own)
      expect(isNew).toBe(there === undefined)
      if (there) expect(id).toBe(there.id)
      else model.add(queued, newId(model, queued, id), own, (runAt ?? realNow()).getTime(), actor)
    }
    expect(added).toHaveLength(times)
  },
)

/** Some tasks stand behind many of one key, and then a few claims come. */
const flood = command(
  'flood',
  fc.record({
    table: fc.constantFrom(2, 3),
    behind: fc.array(row, { minLength: 2, maxLength: 5 }),
    claims: fc.integer({ min: 1, max: 4 }),
    worker,
  }),
  async (model, system, { table, behind, claims, worker }) => {
    const queued = modelTables[table]!
    const { id: name, queue } = system.worker(worker)
    const many = Array(MANY).fill({ environment: 'a' })
    const rows = [...many, ...behind.map((choice) => rowOf(model, queued, { ...choice, table }))]
    const runAt = new Date(system.now() - 6 * hour)
    for (const [index, { id }] of (await queue.enqueue(queued.table, rows, { runAt })).entries())
      model.add(queued, newId(model, queued, id), ownOf(queued, rows[index]!), runAt.getTime(), undefined)
    for (let claim = 0; claim < claims; claim += 1) {
      const now = system.now()
      expectClaim(model, await queue.claim([queued]), model.next([queued], now), name, now)
    }
  },
)

/** One of the rows cannot be written, so none is. */
const enqueueRefused = command(
  'enqueueRefused',
  fc.record({ worker, isLast: fc.boolean() }),
  async (_, system, { worker, isLast }) => {
    const { table } = modelTables[2]!
    const rows = [{ environment: 'a' }, { buildId: 999_999 }]
    const enqueueing = system.worker(worker).queue.enqueue(table, isLast ? rows : rows.reverse(), { actor: 'ada' })
    await expectRefusal(enqueueing, /foreign key/i)
  },
)

/** The first who asks for the end of a run is the one who did. */
const cancel = command(
  'cancel',
  fc.record({ task: whichTask, people: fc.array(person, { minLength: 1, maxLength: 2 }), worker }),
  async (model, system, { task: which, people, worker }) => {
    const task = pickTask(model, which)
    for (const person of people) {
      const { status } = task
      const run = model.openRunOf(task)
      const result = await system.worker(worker).queue.cancel(task.queued.table, task.id, person)
      if (isSettled(status)) expect(result).toEqual({ change: 'none', status })
      else if (run?.handle) {
        expect(result).toEqual({ change: 'asked', status: 'ongoing' })
        if (run.askedBy === undefined) model.record(task, run.id, 'cancel requested', null, null, person)
        run.askedBy ??= person
      } else {
        expect(result).toEqual({ change: 'canceled', status: 'canceled' })
        Object.assign(task, { error: `canceled by ${person}`, hasFinished: true })
        model.change(task, 'canceled', person)
      }
    }
  },
  hasTasks,
)

const retry = command(
  'retry',
  fc.record({ task: whichTask, person, worker }),
  async (model, system, { task: which, person, worker }) => {
    const task = pickTask(model, which)
    const retrying = system.worker(worker).queue.retry(task.queued.table, task.id, person)
    if (task.status !== 'failed' && task.status !== 'canceled')
      return expect(await retrying).toEqual({ change: 'none', status: task.status })
    if (!model.isLegal(task, 'pending')) return expectRefusal(retrying, /unique/i)
    expect(await retrying).toEqual({ change: 'retried', status: 'pending' })
    Object.assign(task, { runAt: system.now(), isRunAtRough: true })
    model.change(task, 'pending', person)
  },
  hasTasks,
)

const strangers = command('strangers', fc.record({ worker, table }), async (_, system, { worker, table }) => {
  const { queue } = system.worker(worker)
  const { table: strange } = pick(modelTables, table)!
  expect(await queue.cancel(strange, 999_999, 'ada')).toBeUndefined()
  expect(await queue.retry(strange, 999_999, 'ada')).toBeUndefined()
  expect(await queue.find(strange, 999_999)).toBeUndefined()
})

const holdKey = fc.constantFrom(...holdKeys)

const hold = command(
  'hold',
  fc.record({ key: holdKey, person, worker }),
  async (model, system, { key, person, worker }) => {
    const before = model.holds.get(key)
    const reason = person === 'ada' ? 'migration' : undefined
    const taken = await system.worker(worker).queue.holds.take(key, person, reason)
    if (before) return expect(taken).toMatchObject({ key, ...before })
    expect(taken).toBeUndefined()
    model.holds.set(key, { actor: person, reason })
    model.record(null, null, 'held', null, null, person, reason === undefined ? { key } : { key, reason })
  },
)

const unhold = command(
  'unhold',
  fc.record({ nth, isHeld: fc.constantFrom(true, true, false), person, worker }),
  async (model, system, { nth, isHeld, person, worker }) => {
    const key = pick(isHeld ? [...model.holds.keys()] : holdKeys, nth)!
    const { holds } = system.worker(worker).queue
    const before = model.holds.get(key)
    const released = await holds.release(key, person)
    if (!before) return expect(released).toBeUndefined()
    expect(released).toMatchObject({ key, ...before })
    model.holds.delete(key)
    model.record(null, null, 'released', null, null, person, { key })
    expect((await holds.list()).map(({ key }) => key).sort()).toEqual([...model.holds.keys()].sort())
  },
  ({ holds }) => holds.size > 0,
)

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

/** By two workers at once, of which one deals with it. */
const tick = command(
  'tick',
  fc.record({ name: schedule, hours: fc.integer({ min: -1, max: 3 }), row: fc.option(row, { freq: 4 }), worker }),
  async (model, system, { name, hours, row, worker }) => {
    const known = model.schedules.get(name)
    const at = (known?.lastTick ?? known?.since ?? system.now()) + hours * hour
    const queued = row === null ? undefined : pick(modelTables, row.table)!
    const values = queued && rowOf(model, queued, row!)
    const own = queued && ownOf(queued, values!)
    const there = queued && model.alike(queued, own!)
    const task = queued && { table: queued.table, row: values! }
    const ticks = [worker, worker + 1].map((nth) => system.worker(nth).queue.schedules.tick(name, new Date(at), task))
    const dealt = (await Promise.all(ticks)).filter(({ isOurs }) => isOurs)
    const isDue = known !== undefined && at > Math.max(known.lastTick ?? 0, known.since)
    expect(dealt).toHaveLength(isDue ? 1 : 0)
    if (!known || !isDue) return
    known.lastTick = at
    const added = dealt[0]!.task
    expect(added?.isNew).toBe(queued && there === undefined)
    if (queued) {
      if (there) expect(added!.id).toBe(there.id)
      else model.add(queued, newId(model, queued, added!.id), own!, realNow().getTime(), `schedule ${name}`)
      known.lastTask = { table: queued.table.name, id: Number(added!.id) }
    }
    const states = [...model.schedules].map(([name, schedule]) => stateOf(name, schedule))
    const listed = await system.worker(worker).queue.schedules.list()
    expect(listed).toEqual(states.sort((a, b) => (a.name < b.name ? -1 : 1)))
  },
  ({ schedules }) => schedules.size > 0,
)

const statusFilter = fc.constantFrom<Status[]>([], ['pending'], ['failed', 'canceled'], ['ongoing', 'succeeded'])

/** What people are shown, against what is there. */
const look = command(
  'look',
  fc.record({ task: whichTask, statuses: statusFilter, worker }),
  async (model, system, { task: which, statuses, worker }) => {
    const { records } = system.worker(worker).queue
    const { queued, id } = pickTask(model, which)
    const { table } = queued
    const wanted = model.tasksOf(table.name).filter((task) => statuses.length === 0 || statuses.includes(task.status))
    const ids = wanted.map((task) => task.id).reverse()
    expect((await records.tasks(table, { statuses, limit: 3 })).map((task) => task.id)).toEqual(ids.slice(0, 3))
    const runs = model.runs.filter(({ task }) => task.queued === queued && task.id === id)
    expect(await records.runs(table, id)).toMatchObject(
      runs.map(({ id, isOpen }) => ({ id, outcome: isOpen ? undefined : expect.any(String) })),
    )
    const trail = model.audit.filter(({ task }) => task === `${table.name} ${id}`).map(({ event }) => event)
    const audit = await records.audit({ table: table.name, taskId: id, limit: 4 })
    expect(audit.map(({ event }) => event)).toEqual(trail.slice(-4))
    const after = await records.audit({ after: audit[0]!.id - 1, limit: 2 })
    expect(after[0]).toEqual(audit[0])
  },
  hasTasks,
)

export const personCommands = [
  ...often(9, enqueue),
  ...often(1, enqueueRefused),
  ...often(1, flood),
  ...often(2, cancel),
  ...often(2, retry),
  ...often(1, strangers),
  ...often(2, hold),
  ...often(2, unhold),
  ...often(2, register),
  ...often(2, tick),
  ...often(1, look),
]

function rowOf(model: Expected, queued: QueuedTable, choice: RowChoice): Record<string, unknown> {
  const one = (table: string, nth: number | null) =>
    nth === null ? undefined : (pick(unmet(model.tasksOf(table), nth), nth) ?? pick(model.tasksOf(table), nth))?.id
  const { environment, ref, first, second } = choice
  const rows: Record<string, Record<string, unknown>> = {
    checks: { url: 'http://a' },
    builds: { repository: 'a' },
    deployments: { environment, buildId: one('builds', first) },
    releases: { environment, deploymentId: one('deployments', first), checkId: one('checks', second) },
    steps: { previousId: one('steps', first) },
    syncs: { environment, ref },
  }
  return rows[queued.table.name]!
}

/** Every second time, what did not succeed: tasks that wait for nothing else are claimed to fail. */
function unmet(tasks: readonly Task[], nth: number): Task[] {
  return nth % 2 === 0 ? [] : tasks.filter(({ status }) => status === 'failed' || status === 'canceled')
}

/** The row's own columns as the database has them: with its defaults. */
function ownOf({ table }: QueuedTable, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.values(table.columns).filter(({ isLifecycle }) => !isLifecycle)
  return Object.fromEntries(own.map(({ key, name, defaultValue }) => [name, values[key] ?? defaultValue ?? null]))
}

/** An id grows from task to task, those that are gone included. */
function newId(model: Expected, queued: QueuedTable, id: unknown): number {
  const ids = model.audit.map(({ task }) => task?.split(' ') ?? []).filter(([table]) => table === queued.table.name)
  expect(Number(id)).toBeGreaterThan(Math.max(0, ...ids.map(([, id]) => Number(id))))
  return Number(id)
}

function stateOf(name: string, { since, lastTick, lastTask }: NonNullable<ReturnType<Expected['schedules']['get']>>) {
  return { name, since: new Date(since), lastTickAt: lastTick === undefined ? undefined : new Date(lastTick), lastTask }
}

/** By the clock that no test turns: what a database that gives the time of an insert itself goes by. */
function realNow(): Date {
  return new Date(performance.timeOrigin + performance.now())
}
