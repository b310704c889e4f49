import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', summary: 'Write a note', table: notes, priority: 100, async perform() {} })

describe.each(workerDatabases)('a worker on $name', ({ name, missing, with: open }) => {
  const dropped = name === 'SQLite' ? 'drop trigger ops_notes_changed' : 'drop trigger ops_notes_changed on notes'

  it('installs the triggers of its tables again that were dropped', unless(missing), async () => {
    const fixture = await open([note])
    await fixture.queue.enqueue(notes, [{ text: 'a' }])
    const worker = new WorkerHere(fixture)
    const working = worker.work()
    await until(() => worker.log.includes('note 1 succeeded'), 'it has looked at its tables and works')
    await fixture.sql(dropped)
    await until(() => worker.log.includes('installed the triggers and indexes of notes again'), 'it has noticed')
    expect(await fixture.queue.planMigration([], [fixture.processors[0]!.queued])).toEqual([])
    worker.stop()
    await working
  })

  it('says at its start what contradicts itself, and what to do', unless(missing), async () => {
    const fixture = await open([note])
    await fixture.queue.enqueue(notes, [{ text: 'a' }])
    await fixture.sql(dropped)
    await fixture.sql(`update notes set status = 'ongoing'`)
    const worker = new WorkerHere(fixture)
    await worker.work({ drain: true })
    expect(worker.log).toContain('notes 1 is ongoing, but no run of it is open.')
    expect(worker.log).toContain('ops doctor --fix')
  })
})
