/** Drains no-op tasks with the worker itself: three task tables, exclusivity by a column, audit, every trigger. */

import { tmpdir } from 'node:os'
import pg from 'pg'
import { defineProcessor } from '../../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { WorkerLog } from '../../../src/worker/worker-log.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { type PostgresContenderOptions, warmUpOnPostgres as warmUp } from '../contender.ts'
import { benchDatabase } from './bench-database.ts'
import { countCalls } from './count-calls.ts'

const { n, server } = JSON.parse(process.argv[2]!) as PostgresContenderOptions

const { url, drop } = await benchDatabase(server)
const tables = ['checks', 'deployments', 'builds'].map((name) =>
  taskTable(name, (column) => ({ environment: column.text().notNull(), payload: column.text() })),
)
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
const raw = new pg.Client(url)
await raw.connect()
for (const table of tables) await raw.query(createTaskTable(table, 'postgres'))
const queue = new PostgresQueue(url)
await queue.migrate(
  [],
  ready.map(({ queued }) => queued),
)
await queue.enqueue(
  tables[2]!,
  Array.from({ length: n + warmUp }, (_, index) => ({ environment: `env-${index % 50}`, payload: `{"n":${index}}` })),
)

let done = 0
let stopCounting = () => 0
let counted = 0
let startedAt = 0
let cpu = process.threadCpuUsage()
const stop = new AbortController()
ready[2]!.processor.perform = async () => {
  done += 1
  if (done === 100) stopCounting = countCalls(pg.Client.prototype, ['query'])
  if (done === 400) counted = stopCounting()
  if (done === warmUp) {
    startedAt = performance.now()
    cpu = process.threadCpuUsage()
  }
  if (done === n + warmUp) stop.abort()
}
const workerId = `bench-${process.pid}`
await queue.startWorker({ id: workerId, host: 'bench', pid: process.pid, version: '0' })
const directory = tmpdir()
const environment = { queue, workerId, stateDirectory: directory, projectDirectory: directory }
const never = new AbortController().signal
const stops = { requested: stop.signal, forced: never, dispose() {} }
await new Worker(ready, environment, stops, new WorkerLog(() => {}, true)).work({ pollInterval: 1000, drain: true })
const milliseconds = performance.now() - startedAt
const used = process.threadCpuUsage(cpu)
await queue.close()
const { rows } = await raw.query(
  `select (select count(*)::int from ops_runs where outcome = 'succeeded' and ended_at is not null) as succeeded,
     (select count(*)::int from ops_audit where event in ('started', 'succeeded')) as audited`,
)
await raw.end()
await drop()
const [{ succeeded, audited }] = rows
if (succeeded !== n + warmUp || audited !== 2 * (n + warmUp))
  throw new Error(`${succeeded} succeeded, ${audited} audited`)
console.log(
  JSON.stringify({
    perSecond: n / (milliseconds / 1000),
    'core, µs': (used.user + used.system) / n,
    'round trips': counted / 300,
  }),
)
