import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import type { Claim, Queue, QueuedTable } from '../../src/queue/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { Starvation } from '../../src/worker/starvation.ts'
import { unless } from '../support/unless.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const hour = 3_600_000
const urgencies = taskTable('urgencies', (column) => ({ text: column.text() }))
const ordinaries = taskTable('ordinaries', (column) => ({ text: column.text() }))

for (const database of workerDatabases) {
  describe(`a task of low priority on ${database.name}`, unless(database.missing), () => {
    /** Many urgent tasks, which take a second and a half, and three others. */
    const started = async ({ waited }: { waited: number }) => {
      const order: string[] = []
      const urgent = defineProcessor({
        name: 'urgent',
        table: urgencies,
        priority: 10,
        async perform() {
          await delay(50)
          order.push('urgent')
        },
      })
      const ordinary = defineProcessor({
        name: 'ordinary',
        table: ordinaries,
        perform: () => void order.push('ordinary'),
      })
      const fixture = await database.with([urgent, ordinary])
      await fixture.queue.enqueue(
        urgencies,
        Array.from({ length: 30 }, () => ({})),
      )
      await fixture.queue.enqueue(ordinaries, [{}, {}, {}], { runAt: new Date(Date.now() - waited) })
      return { ...fixture, order, worker: new WorkerHere(fixture) }
    }
    const places = (order: readonly string[]) => order.flatMap((name, index) => (name === 'ordinary' ? [index] : []))

    it('waits for all others by default, and until it has waited too long', async () => {
      for (const options of [{}, { starvation: 2 * hour }]) {
        const { worker, order } = await started({ waited: hour })
        await worker.work({ drain: true, ...options })
        expect(places(order)).toEqual([30, 31, 32])
      }
    })

    it('has a turn once it has waited too long, at most once a second', async () => {
      const { worker, order } = await started({ waited: hour })
      await worker.work({ drain: true, starvation: hour / 2 })
      const [first, second, third] = places(order)
      expect(order).toHaveLength(33)
      expect(first).toBeLessThan(10)
      expect(second! - first!).toBeGreaterThan(3)
      expect(third! - second!).toBeGreaterThanOrEqual(1)
      expect(worker.log).toMatch(/ordinary \d has been due for 1 h: it comes before tasks of higher priority/)
    })

    it('has none while it may not run', async () => {
      const { worker, order, queue } = await started({ waited: hour })
      await queue.holds.take('processor:ordinary', 'ada', undefined)
      await worker.work({ drain: true, starvation: hour / 2 })
      expect(places(order)).toEqual([])
      expect(order).toHaveLength(30)
      expect(worker.log).not.toContain('higher priority')
    })
  })
}

describe('of three tables', () => {
  const names = ['urgent', 'usual', 'idle'] as const
  const table = (name: string) => ({ processor: name, table: taskTable(name, () => ({})) }) as unknown as QueuedTable
  const tables = names.map(table)

  /**
   * Which table each of so many claims takes, if each task takes so long.
   *
   * @param waiting how long the oldest task of each table has waited, which it goes on to do
   */
  const claims = async (count: number, taskMs: number, waiting: readonly number[]) => {
    let now = 0
    const oldestDue = async ({ name }: { name: string }) => {
      const waited = waiting[names.indexOf(name as never)]!
      return waited === 0 ? undefined : { id: 1, since: new Date(Date.now() - waited) }
    }
    const queue = { records: { oldestDue } } as unknown as Queue
    const starvation = new Starvation({ queue, limit: hour, onTurn() {}, clock: () => now })
    const taken: string[] = []
    for (let number = 0; number < count; number += 1) {
      const order = starvation.inOrder(tables)
      const queued = order.find(({ processor }) => waiting[names.indexOf(processor as never)]! > 0)!
      const runAt = new Date(Date.now() - waiting[names.indexOf(queued.processor as never)]!)
      starvation.claimed(order, { run: { queued }, task: { runAt, createdAt: runAt } } as unknown as Claim)
      taken.push(queued.processor)
      await starvation.look(tables)
      now += taskMs
    }
    return taken
  }
  const gaps = (taken: readonly string[], name: string) => {
    const places = taken.flatMap((one, index) => (one === name ? [index] : []))
    return places.slice(1).map((place, index) => place - places[index]!)
  }

  it.each([
    ['whose tasks take longer than a second', 2000, 4],
    ['whose tasks are short', 10, 101],
  ])('each that starves has turns, whatever the backlog of the others: %s', async (_, taskMs, most) => {
    for (const waiting of [
      [5 * hour, 3 * hour, 2 * hour],
      [9 * hour, 2 * hour, 3 * hour],
    ]) {
      const taken = await claims(1000, taskMs, waiting)
      for (const name of ['usual', 'idle']) {
        expect(gaps(taken, name).length, name).toBeGreaterThan(7)
        expect(Math.max(...gaps(taken, name)), name).toBeLessThanOrEqual(most)
      }
      expect(gaps(taken, 'urgent').every((gap) => gap <= 2)).toBe(true)
    }
  })

  it('none has a turn that does not starve', async () => {
    expect(new Set(await claims(50, 2000, [5 * hour, hour / 2, hour / 2]))).toEqual(new Set(['urgent']))
    expect(gaps(await claims(50, 2000, [hour, 2 * hour, hour / 2]), 'idle')).toEqual([])
  })
})
