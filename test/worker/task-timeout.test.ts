import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { outcomeOfOverdue } from '../../src/worker/outcomes.ts'
import { unless } from '../support/unless.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ term: column.text() }))

describe.each(workerDatabases)('a limit that the row of a task sets on $name', ({ missing, with: open }) => {
  it('is the deadline of its run, if it is shorter than that of the processor', unless(missing), async () => {
    const seen: unknown[] = []
    const note = defineProcessor({
      name: 'note',
      table: notes,
      timeout: '1h',
      taskTimeout: ({ term }) => term,
      async perform(_task, { signal }) {
        const [run] = await fixture.queue.openRuns()
        seen.push(run!.deadlineAt!.getTime() - run!.startedAt.getTime())
        expect(outcomeOfOverdue(run!)).toMatchObject({
          error: expect.stringMatching(/^timed out after (10m|1h|100ms);/),
        })
        if (seen.length === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const fixture = await open([note])
    await fixture.queue.enqueue(
      notes,
      ['100ms', '10m', '2h', null, 'soon'].map((term) => ({ term })),
    )
    const worker = new WorkerHere(fixture)
    await worker.work({ drain: true })
    expect(seen).toEqual([100, 600_000, 3_600_000, 3_600_000, 3_600_000])
    expect(await fixture.sql('select status, error from notes where id < 3 order by id')).toEqual([
      { status: 'failed', error: 'timed out after 100ms' },
      { status: 'succeeded', error: null },
    ])
  })
})
