import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { LeaseKeeper } from '../../src/worker/lease-keeper.ts'
import { RunContext } from '../../src/worker/run-context.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { unless } from '../support/unless.ts'
import { workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))
const note = defineProcessor({ name: 'note', table: notes, perform: () => {} })

/** A lease that expires while the process is stopped, as an hour passes between two steps, and is renewed when asked. */
function expiredLease(): LeaseKeeper {
  let now = 0
  const lease = {
    ms: 20_000,
    renewedAt: 0,
    heardAt: 0,
    async renew() {
      lease.renewedAt = now
    },
  }
  now = 3_600_000
  return new LeaseKeeper(
    lease,
    () => {},
    () => now,
  )
}

for (const database of workerDatabases) {
  describe(
    `a program that a task starts after its process was stopped, on ${database.name}`,
    unless(database.missing),
    () => {
      async function stoppedRun() {
        const { queue, secondQueue, processors } = await database.with([note])
        await queue.enqueue(notes, [{}])
        const claim = (await queue.claim(processors.map(({ queued }) => queued)))!
        const folder = temporaryFolder()
        const environment = {
          queue,
          workerId: 'ops',
          lease: expiredLease(),
          stateDirectory: folder,
          projectDirectory: folder,
        }
        const context = new RunContext(claim, {}, environment)
        const start = () => context.exec('touch', [join(folder, 'mark')])
        return { claim, context, start, other: secondQueue(), isStarted: () => existsSync(join(folder, 'mark')) }
      }

      it('is refused if another worker has taken the run over', async () => {
        const { claim, context, start, other, isStarted } = await stoppedRun()
        const [run] = await other.openRuns()
        await other.settleDead(run!, claim.run.queued, { kind: 'crashed', error: 'worker ops died' })
        await expect(start()).rejects.toThrow('lost contact with the database')
        await expect(start()).rejects.toThrow('lost contact with the database')
        await context.close()
        expect(isStarted()).toBe(false)
      })

      it('runs if the run is still open', async () => {
        const { context, start, isStarted } = await stoppedRun()
        await start()
        await context.close()
        expect(isStarted()).toBe(true)
      })
    },
  )
}
