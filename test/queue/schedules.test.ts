import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', table: notes, unique: ['text'], perform: () => {} })

const minute = 60_000
const after = (at: Date, minutes: number) => new Date(at.getTime() + minutes * minute)

for (const database of workerDatabases) {
  describe(`a schedule on ${database.name}`, unless(database.missing), () => {
    it('keeps why its task could not be added until one is', async () => {
      const { queue } = await database.with([note])
      const { since, failure } = await queue.schedules.register('nightly', 'daily')
      expect(failure).toBeUndefined()
      await queue.schedules.fail('nightly', 'no such table')
      const [listed] = await queue.schedules.list()
      expect(listed!.failure).toEqual({ error: 'no such table', at: expect.any(Date) })
      await queue.schedules.tick('nightly', after(since, 1), undefined)
      expect((await queue.schedules.list())[0]!.failure).toBeDefined()
      await queue.schedules.tick('nightly', after(since, 2), { table: notes, row: {} })
      expect((await queue.schedules.list())[0]!.failure).toBeUndefined()
    })

    it('whose unique task already waits has done its tick', async () => {
      const { queue } = await database.with([note])
      const { since } = await queue.schedules.register('nightly', 'daily')
      await queue.enqueue(notes, [{ text: 'x' }])
      const tick = await queue.schedules.tick('nightly', after(since, 1), { table: notes, row: { text: 'x' } })
      expect(tick).toEqual({ isOurs: true, task: { id: 1, isNew: false } })
      expect((await queue.schedules.list())[0]).toMatchObject({ lastTickAt: after(since, 1), lastTask: { id: 1 } })
    })

    it('that was removed starts over, but misses no tick of a worker that had it all along', async () => {
      const { queue } = await database.with([note])
      const long = after(new Date(), -600)
      const { since } = await queue.schedules.register('nightly', 'daily', long)
      expect(since).toEqual(long)
      await queue.schedules.remove(['nightly', 'hourly'])
      expect(await queue.schedules.list()).toEqual([])
      const now = await queue.schedules.now()
      expect((await queue.schedules.register('nightly', 'daily')).since.getTime()).toBeGreaterThanOrEqual(now.getTime())
      await queue.schedules.remove(['nightly'])
      const lookedAt = after(new Date(), -1)
      expect((await queue.schedules.register('nightly', 'daily', lookedAt)).since).toEqual(lookedAt)
      expect((await queue.schedules.register('nightly', 'daily', new Date())).since).toEqual(lookedAt)
    })

    it('is restarted once if its ticks count only from a later time', async () => {
      const { queue, secondQueue } = await database.with([note])
      const { since } = await queue.schedules.register('nightly', 'daily')
      await queue.schedules.tick('nightly', after(since, 600), undefined)
      expect(await queue.schedules.restart('nightly', after(since, 700), since)).toBe(false)
      const queues = [queue, secondQueue()]
      const restarts = await Promise.all(queues.map((one) => one.schedules.restart('nightly', after(since, 1), since)))
      expect(restarts.sort()).toEqual([false, true])
      expect(await queue.schedules.list()).toMatchObject([{ since, lastTickAt: undefined }])
    })
  })
}
