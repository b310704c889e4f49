import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { unless } from '../support/unless.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))

describe.each(workerDatabases)('a task that is changed past the triggers while it runs on $name', (database) => {
  const { name, missing } = database
  const onTable = name === 'SQLite' ? '' : ' on notes'

  const perform = async (change: string) => {
    let count = 0
    let isChanged = false
    const note = defineProcessor({
      name: 'note',
      summary: 'Write a note',
      table: notes,
      async perform() {
        count += 1
        if (isChanged) return
        isChanged = true
        for (const suffix of ['transition', 'changed', 'deleted'].slice(name === 'SQLite' ? 0 : 1))
          await fixture.sql(`drop trigger ops_notes_${suffix}${onTable}`)
        await fixture.sql(change)
      },
    })
    const fixture = await database.with([note])
    await fixture.queue.enqueue(notes, [{ text: 'a' }])
    const worker = new WorkerHere(fixture)
    await worker.work({ drain: true })
    return { count, log: worker.log, rows: await fixture.sql('select status from notes') }
  }

  it('does not run again if it was set to pending', unless(missing), async () => {
    const { count, log, rows } = await perform(`update notes set status = 'pending'`)
    expect([count, rows]).toEqual([1, [{ status: 'succeeded' }]])
    expect(log).toContain('warn: note 1 was set to "pending" by another program while it ran, past the triggers')
    expect(log).toContain('it is "succeeded" now, as its run has ended')
  })

  it('keeps another status, or stays deleted, which the worker says', unless(missing), async () => {
    const failed = await perform(`update notes set status = 'failed'`)
    expect([failed.count, failed.rows]).toEqual([1, [{ status: 'failed' }]])
    expect(failed.log).toContain('was set to "failed" by another program while it ran, past the triggers; it keeps')
    const deleted = await perform('delete from notes')
    expect(deleted.log).toContain('was deleted by another program while it ran, past the triggers; only the end')
  })
})
