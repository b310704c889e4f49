/**
 * A worker that sends its parent the start of `perform` for each task, by the clock that all processes share; with a
 * backlog it drains no-op tasks instead.
 */

import Database from 'better-sqlite3'
import { defineProcessor } from '../../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { WorkerLog } from '../../../src/worker/worker-log.ts'
import { createTaskTable } from '../../support/create-task-table.ts'

const {
  file,
  synchronous,
  backlog = 0,
} = JSON.parse(process.argv[2]!) as {
  file: string
  synchronous: 'FULL' | 'NORMAL'
  backlog?: number
}
const table = taskTable('checks', (column) => ({ payload: column.text() }))
const processor = defineProcessor({
  name: 'check',
  table,
  perform: (task) => {
    if (backlog === 0) process.send!({ id: task.id, startedAt: String(process.hrtime.bigint()) })
  },
})
const ready = { processor, settings: {}, queued: toQueuedTable(processor, {}) }
const queue = new SqliteQueue(file, { synchronous })
await queue.migrate([], [])
const setup = new Database(file)
setup.exec(createTaskTable(table).replace('create table', 'create table if not exists'))
setup.close()
await queue.migrate([], [ready.queued])
if (backlog > 0)
  await queue.enqueue(
    table,
    Array.from({ length: backlog }, () => ({ payload: '{}' })),
  )
await queue.startWorker({ id: 'bench', host: 'bench', pid: process.pid, version: '0' })
const stop = new AbortController()
process.on('disconnect', () => stop.abort())
const environment = { queue, workerId: 'bench', stateDirectory: '.', projectDirectory: '.' }
const never = new AbortController().signal
const worker = new Worker(
  [ready],
  environment,
  { requested: stop.signal, forced: never, dispose() {} },
  new WorkerLog(() => {}, true),
)
process.send!({ ready: true })
await worker.work({ pollInterval: 1000 })
await queue.close()
