/** Drains no-op tasks with the worker itself: three task tables, exclusivity by a column, audit, every trigger. */

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { defineProcessor } from '../../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { WorkerLog } from '../../../src/worker/worker-log.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { type ContenderOptions, warmUp } from '../contender.ts'
import { countCalls } from './count-calls.ts'

const { n, synchronous, pending = 0, finished = 0 } = JSON.parse(process.argv[2]!) as ContenderOptions

const tables = ['checks', 'deployments', 'builds'].map((name) =>
  taskTable(name, (column) => ({ environment: column.text().notNull(), payload: column.text() })),
)
const directory = mkdtempSync(join(tmpdir(), 'ops-bench-'))
const file = join(directory, 'ops.db')
const queue = new SqliteQueue(file, { synchronous })
const ready = tables.map((table, index) => {
  const processor = defineProcessor({
    name: table.name.slice(0, -1),
    table,
    priority: index,
    exclusiveBy: 'environment',
    perform: async () => {},
  })
  return { processor, settings: {}, queued: toQueuedTable(processor, {}) }
})
// The first migration creates the file; the tables are created like a plugin's; the second installs the guarantees.
await queue.migrate([], [])
const setup = new Database(file)
for (const table of tables) setup.exec(createTaskTable(table))
await queue.migrate(
  [],
  ready.map(({ queued }) => queued),
)
const rows = (count: number, from: number) =>
  Array.from({ length: count }, (_, index) => ({
    environment: `env-${(from + index) % 50}`,
    payload: `{"n":${index}}`,
  }))
if (finished > 0) {
  setup.exec('drop trigger ops_builds_begins_pending')
  setup
    .prepare(
      `insert into builds (environment, status) with recursive i (n) as (select 1 union all select n + 1 from i where n < ?) select 'env-' || (n % 50), 'succeeded' from i`,
    )
    .run(finished)
  await queue.migrate(
    [],
    ready.map(({ queued }) => queued),
  )
}
await queue.enqueue(tables[2]!, rows(n + warmUp + pending, 0))
// So the log grows with each frame, as long as it is short.
setup.pragma('wal_checkpoint(TRUNCATE)')
const statements = Object.getPrototypeOf(setup.prepare('select 1'))
setup.close()

/** Tasks of the warm-up by which the work for one is counted. */
const [from, to] = [500, 1500]
let stopCounting = () => 0
let counted = 0
const frames = { from: 0, to: 0 }
const logFrames = () => (statSync(`${file}-wal`).size - 32) / (2048 + 24)
function count(): void {
  if (done === from) {
    frames.from = logFrames()
    stopCounting = countCalls(statements, ['run', 'get', 'all'])
  } else if (done === to) {
    frames.to = logFrames()
    counted = stopCounting()
  }
}

const never = new AbortController().signal
const log = new WorkerLog(() => {}, true)
let done = 0
let startedAt = 0
let cpu = process.threadCpuUsage()
const stop = new AbortController()
ready[2]!.processor.perform = async () => {
  done += 1
  count()
  if (done === warmUp) {
    startedAt = performance.now()
    cpu = process.threadCpuUsage()
  }
  if (done === n + warmUp) stop.abort()
}
await queue.startWorker({ id: `bench-${process.pid}`, host: 'bench', pid: process.pid, version: '0' })
const environment = { queue, workerId: `bench-${process.pid}`, stateDirectory: directory, projectDirectory: directory }
const worker = new Worker(ready, environment, { requested: stop.signal, forced: never, dispose() {} }, log)
await worker.work({ pollInterval: 1000, drain: true })
const milliseconds = performance.now() - startedAt
const used = process.threadCpuUsage(cpu)
await queue.close()
const check = new Database(file)
const succeeded = check
  .prepare(`select count(*) from ops_runs where outcome = 'succeeded' and ended_at is not null`)
  .pluck()
  .get()
const audited = check.prepare(`select count(*) from ops_audit where event in ('started', 'succeeded')`).pluck().get()
check.close()
rmSync(directory, { recursive: true })
if (succeeded !== n + warmUp || audited !== 2 * (n + warmUp))
  throw new Error(`${succeeded} succeeded, ${audited} audited`)
console.log(
  JSON.stringify({
    perSecond: n / (milliseconds / 1000),
    'core, µs': (used.user + used.system) / n,
    frames: (frames.to - frames.from) / (to - from),
    statements: counted / (to - from),
  }),
)
