import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { unless } from '../support/unless.ts'
import { until } from '../support/until.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))

describe.each(workerDatabases)('a worker beside a program that locks the database on $name', (database) => {
  it('says what the end of its task waits for', unless(database.missing), async () => {
    let proceed = () => {}
    const isLocked = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const note = defineProcessor({ name: 'note', table: notes, perform: () => isLocked })
    const { sql, ...fixture } = await database.with([note])
    await fixture.queue.enqueue(notes, [{ text: 'a' }])
    const worker = new WorkerHere(fixture)
    const working = worker.work()
    await until(() => worker.log.includes('started note 1'), 'the task runs')
    await sql(database.name === 'SQLite' ? 'begin immediate' : 'begin')
    if (database.name === 'PostgreSQL') await sql('lock table notes in exclusive mode')
    proceed()
    await until(() => worker.log.includes('note 1: waiting to write the end of run'), 'it says so')
    await sql('rollback')
    await until(() => worker.log.includes('note 1 succeeded'), 'it is written')
    worker.stop()
    await working
  })
})

it('a claim waits for the lock of another program until the stop only', async () => {
  const note = defineProcessor({ name: 'note', table: notes, async perform() {} })
  const { processors } = await workerDatabases[0]!.with([note])
  const tables = processors.map(({ queued }) => queued)
  const { queue, raw } = await sqliteFixture(tables)
  const stop = new AbortController()
  queue.hearStop(stop.signal)
  await queue.enqueue(notes, [{ text: 'a' }])
  raw.exec('begin immediate')
  const claim = queue.claim(tables)
  setImmediate(() => stop.abort())
  await expect(claim).rejects.toThrow('was locked by another program')
  raw.exec('rollback')
  expect(await queue.claim(tables)).toBeDefined()
})
