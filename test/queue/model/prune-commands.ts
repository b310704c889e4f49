import fc from 'fast-check'
import { expect } from 'vitest'
import { isSettled } from '../../../src/task/lifecycle.ts'
import { command, often, person, worker } from './command.ts'
import type { Expected, Task } from './expected.ts'
import { nameOf } from './system.ts'
import { modelTables } from './tables.ts'

/** After all clocks, however far they jump. */
const before = new Date(8e15)

const statuses = fc.subarray(['succeeded', 'failed', 'canceled'] as const, { minLength: 1 })

/** Whether another task refers to this one, or a schedule added it last. */
function isNeeded({ tasks, schedules }: Expected, { queued, id }: Task): boolean {
  const { name } = queued.table
  const refers = (task: Task) =>
    Object.values(task.queued.table.columns).some(
      (column) => column.target?.().name === name && task.own[column.name] === id,
    )
  const added = [...schedules.values()].some(({ lastTask }) => lastTask?.table === name && lastTask.id === id)
  return added || tasks.some((task) => !(task.queued === queued && task.id === id) && refers(task))
}

function removeFrom<T>(list: readonly T[], isGone: (one: T) => boolean): void {
  const left = list.filter((one) => !isGone(one))
  ;(list as T[]).splice(0, list.length, ...left)
}

const prune = command('prune', fc.record({ statuses, person, worker }), async (model, system, args) => {
  const { queue } = system.worker(args.worker)
  const limits = Object.fromEntries(args.statuses.map((status) => [status, before]))
  // Those that refer to others come first.
  const tables = modelTables.toReversed()
  const expected = tables.flatMap((queued) => {
    const isOld = ({ status }: Task) => isSettled(status) && args.statuses.includes(status)
    const gone = model.tasksOf(queued.table.name).filter((task) => isOld(task) && !isNeeded(model, task))
    const names = new Set(gone.map(nameOf))
    const events = model.audit.filter(({ task, run }) => task !== null && names.has(task) && run === null)
    removeFrom(model.tasks, (task) => gone.includes(task))
    const runs = model.runs.filter(({ task }) => gone.includes(task))
    removeFrom(model.runs, (run) => runs.includes(run))
    removeFrom(model.audit, ({ task }) => task !== null && names.has(task))
    if (gone.length === 0) return []
    const range = { firstId: gone[0]!.id, lastId: gone.at(-1)!.id }
    return [{ table: queued.table.name, tasks: gone.length, runs: runs.length, ...range, least: events.length }]
  })
  const steps = queue.history.prune(
    tables.map((queued) => ({ queued, before: limits })),
    { actor: args.person, all: modelTables },
  )
  for await (const { groups } of steps) expect(groups.every(({ tasks }) => tasks > 0)).toBe(true)
  const audit = await queue.records.audit({ limit: 100 })
  const entries = expected.length === 0 ? [] : audit.slice(-expected.length)
  for (const [index, { least, ...pass }] of expected.entries()) {
    const { event, taskTable, actor, detail } = entries[index]!
    expect({ event, taskTable, actor, detail }).toMatchObject({
      ...{ event: 'pruned', taskTable: pass.table, actor: args.person, detail: pass },
    })
    // A milestone or a request to cancel names its run, and is an event all the same.
    expect((detail as { events: number }).events).toBeGreaterThanOrEqual(least)
    model.audit.push({ task: `${taskTable} null`, run: null, event, from: null, to: null, actor, detail })
  }
  system.forget()
})

export const pruneCommands = often(1, prune)
