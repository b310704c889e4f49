import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
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
