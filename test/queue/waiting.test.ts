import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', table: notes, perform: () => {} })
const hour = 3_600_000

for (const database of workerDatabases) {
  describe(`what waits on ${database.name}`, unless(database.missing), () => {
    it('is the task that has been due for the longest time', async () => {
      const { queue, processors } = await database.with([note])
      expect(await queue.records.oldestDue(notes)).toBeUndefined()
      const since = new Date(Date.now() - hour)
      await queue.enqueue(notes, [{}], { runAt: new Date(Date.now() + hour) })
      expect(await queue.records.oldestDue(notes)).toBeUndefined()
      await queue.enqueue(notes, [{}])
      const [{ id } = { id: 0 }] = await queue.enqueue(notes, [{}], { runAt: since })
      expect(await queue.records.oldestDue(notes)).toEqual({ id, since })
      await queue.claim(processors.map(({ queued }) => queued))
      expect((await queue.records.oldestDue(notes))!.since.getTime()).toBeGreaterThan(since.getTime())
    })

    it('is claimed by workers that say from which tables', async () => {
      const { queue, secondQueue } = await database.with([note])
      const start = (at: typeof queue, id: string) =>
        at.startWorker({ id, host: 'here', pid: process.pid, version: '1' })
      const other = secondQueue()
      await start(queue, 'one')
      await start(other, 'two')
      expect(await queue.livingWorkers()).toEqual(['one', 'two'].map((id) => ({ id, tables: undefined })))
      await other.recordTables(['notes', 'others'])
      expect(await queue.livingWorkers()).toContainEqual({ id: 'two', tables: ['notes', 'others'] })
      await other.close()
      expect(await queue.livingWorkers()).toEqual([{ id: 'one', tables: undefined }])
    })
  })
}
