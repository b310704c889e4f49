import fc from 'fast-check'
import { expect } from 'vitest'
import { isSettled, type Status } from '../../../src/task/lifecycle.ts'
import { command, expectRefusal, hasTasks, nth, often, person, pickTask, whichTask, worker } from './command.ts'
import { table, tableOf } from './rows.ts'
import { pick } from './system.ts'
import { holdKeys } from './tables.ts'

/** The first cancel of a run counts. */
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
        if (run.askedBy === undefined) model.record(task, run.id, 'cancel_requested', null, null, person)
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
  const { table: strange } = tableOf({ table })
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
  ...often(3, cancel),
  ...often(2, retry),
  ...often(1, strangers),
  ...often(2, hold),
  ...often(2, unhold),
  ...often(1, look),
]
