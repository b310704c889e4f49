import fc from 'fast-check'
import { command, expectRefusal, hour, often, person, worker } from './command.ts'
import { expectAdded, row, rowOf, tableOf } from './rows.ts'
import { expectClaim } from './system.ts'
import { modelTables } from './tables.ts'

/** More than the tasks that a claim looks at in order, so that it must walk the keys. */
const MANY = 51

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
    const queued = tableOf(row)
    const rows = Array(times).fill(rowOf(model, row))
    const runAt = hours === null ? undefined : system.now() + hours * hour
    const options = { runAt: runAt === undefined ? undefined : new Date(runAt), actor }
    const now = system.now()
    const added = await system.worker(worker).queue.enqueue(queued.table, rows, options)
    // Without a time, it is that of the insert by the clock that no test turns.
    expectAdded(model, queued, rows, added, { runAt, actor, now, isDue: hours === null || hours < 0 })
  },
)

/** Claims with some tasks behind many with one key. */
const flood = command(
  'flood',
  fc.record({
    table: fc.constantFrom(2, 3),
    behind: fc.array(row, { minLength: 2, maxLength: 5 }),
    claims: fc.integer({ min: 1, max: 4 }),
    worker,
  }),
  async (model, system, { table, behind, claims, worker }) => {
    const queued = tableOf({ table })
    const { id, queue } = system.worker(worker)
    const rows = [...Array(MANY).fill({ environment: 'a' }), ...behind.map((row) => rowOf(model, { ...row, table }))]
    const runAt = system.now() - 6 * hour
    expectAdded(model, queued, rows, await queue.enqueue(queued.table, rows, { runAt: new Date(runAt) }), { runAt })
    for (let claim = 0; claim < claims; claim += 1) {
      const now = system.now()
      expectClaim(model, await queue.claim([queued]), model.next([queued], now), id, now)
    }
  },
)

/** Claims a task with no, one or both prerequisites canceled. */
const doomed = command(
  'doomed',
  fc.record({ cancels: fc.tuple(fc.boolean(), fc.boolean()), worker }),
  async (model, system, { cancels, worker }) => {
    const { id, queue } = system.worker(worker)
    const add = async (table: number, row: Record<string, unknown>) => {
      const queued = tableOf({ table })
      return expectAdded(model, queued, [row], await queue.enqueue(queued.table, [row]))[0]!
    }
    const awaited = [await add(2, {}), await add(0, {})]
    await add(3, { deploymentId: awaited[0]!.id, checkId: awaited[1]!.id })
    for (const [index, task] of awaited.entries()) {
      if (!cancels[index]) continue
      await queue.cancel(task.queued.table, task.id, 'ada')
      Object.assign(task, { error: 'canceled by ada', hasFinished: true })
      model.change(task, 'canceled', 'ada')
    }
    const now = system.now()
    const tables = [tableOf({ table: 3 })]
    expectClaim(model, await queue.claim(tables), model.next(tables, now), id, now)
  },
)

/** One row is refused, so that no row is written. */
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

export const enqueueCommands = [
  ...often(9, enqueue),
  ...often(1, flood),
  ...often(1, doomed),
  ...often(1, enqueueRefused),
]
