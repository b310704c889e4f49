import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { sqliteFixture } from '../support/sqlite-fixture.ts'
import { TestProject } from '../support/test-project.ts'
import { until } from '../support/until.ts'
import { WorkerHere, workerDatabases } from '../support/worker-here.ts'

const notes = taskTable('notes', (column) => ({ text: column.text() }))

function remove(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}

describe('a worker whose database file is replaced', () => {
  it('works on the new one, and does not write there how a run of the first one ended', async () => {
    let proceed = () => {}
    const isReplaced = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const note = defineProcessor({ name: 'note', table: notes, perform: () => isReplaced })
    const fixture = await workerDatabases[0]!.with([note])
    const tables = fixture.processors.map(({ queued }) => queued)
    await fixture.queue.enqueue(notes, [{ text: 'a' }])
    const worker = new WorkerHere(fixture)
    const working = worker.work()
    await until(() => worker.log.includes('started note 1'), 'the task runs')

    const other = await sqliteFixture(tables)
    other.raw.exec(`insert into notes (text) values ('b'); update notes set status = 'ongoing'`)
    await other.queue.close()
    other.raw.pragma('journal_mode = delete')
    remove(fixture.queue.name)
    renameSync(other.file, fixture.queue.name)
    await until(() => worker.log.includes('another file has taken the place of'), 'it has noticed')
    expect(worker.log).toContain('if it does not know the run of note 1, its end is not written')
    proceed()
    await until(() => worker.log.includes('was taken away'), 'it has ended the task')

    const queue = fixture.secondQueue()
    expect(await queue.find(notes, 1)).toMatchObject({ text: 'b', status: 'ongoing' })
    expect(await queue.openRuns()).toMatchObject([{ workerId: 'sql' }])
    await queue.enqueue(notes, [{ text: 'c' }])
    await until(() => worker.log.includes('note 2 succeeded'), 'it works on the new one')
    expect(await queue.livingWorkers()).toMatchObject([{ tables: ['notes'] }])
    worker.stop()
    await working
  })

  it('says that it is missing, goes on when it is back, and migrates a new one in development', async () => {
    const project = await TestProject.withProbe()
    const file = project.path('.ops/ops.db')
    const worker = project.start('worker', '--poll-interval', '50ms')
    await worker.event('polling')
    renameSync(file, `${file}.away`)
    await until(() => worker.output.includes('the file was removed'), 'it has noticed')
    renameSync(`${file}.away`, file)
    project.addScript('true')
    await worker.event('succeeded', 'script 1')
    project.database.close()
    remove(file)
    writeFileSync(file, '')
    await worker.event('replaced')
    await worker.event('migrated')
    project.openDatabase('.ops/ops.db').exec(`insert into scripts (script) values ('true'), ('true')`)
    await worker.event('succeeded', 'script 2')
  })
})
