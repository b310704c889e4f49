/**
 * Many workers in one process, each with its own queue and session: `{ url, count, first }`. Answers each message of its
 * parent with what they have done so far.
 */

import pg from 'pg'
import { defineProcessor } from '../../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { WorkerLog } from '../../../src/worker/worker-log.ts'
import { fleetTables } from '../fleet-tables.ts'

export interface FleetFigures {
  readonly performed: number
  /** Waits that ended because something changed. */
  readonly wakeUps: number
  readonly statements: number
  /** Milliseconds since the epoch. */
  readonly connectedAt: readonly number[]
  /** Milliseconds of processor time. */
  readonly processor: number
  /** By `process.hrtime`, in nanoseconds. */
  readonly startedAt: readonly string[]
}

const { url, count, first } = JSON.parse(process.argv[2]!) as { url: string; count: number; first: number }

let performed = 0
let wakeUps = 0
let statements = 0
const connectedAt: number[] = []
const startedAt: string[] = []
const { connect, query } = pg.Client.prototype
pg.Client.prototype.connect = function (this: pg.Client, ...args: unknown[]) {
  connectedAt.push(Date.now())
  return Reflect.apply(connect, this, args)
}
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  statements += 1
  return Reflect.apply(query, this, args)
}

const processors = fleetTables.map((table) =>
  defineProcessor({
    name: table.name.slice(0, -1),
    table,
    perform: async () => {
      performed += 1
      if (startedAt.length < 10_000) startedAt.push(String(process.hrtime.bigint()))
    },
  }),
)
const ready = processors.map((processor) => ({ processor, settings: {}, queued: toQueuedTable(processor, {}) }))

async function start(id: string): Promise<() => Promise<void>> {
  // One of its own, as in a process of its own.
  const stop = new AbortController()
  const stops = { requested: stop.signal, forced: new AbortController().signal, dispose() {} }
  const queue = new PostgresQueue(url)
  await queue.startWorker({ id, host: 'bench', pid: process.pid, version: '0' })
  const wait = queue.waitForWork.bind(queue)
  queue.waitForWork = async (...args) => {
    const reason = await wait(...args)
    if (reason === 'changed') wakeUps += 1
    return reason
  }
  const environment = { queue, workerId: id, stateDirectory: '.', projectDirectory: '.' }
  const worker = new Worker(ready as never, environment, stops, new WorkerLog(() => {}, true))
  const working = worker.work({ pollInterval: 1000 })
  return async () => {
    stop.abort()
    await working
    await queue.close()
  }
}

const workers: (() => Promise<void>)[] = []
for (let index = 0; index < count; index += 1) workers.push(await start(`bench-${first + index}`))

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const figures: FleetFigures = {
    ...{ performed, wakeUps, statements, processor: (user + system) / 1000 },
    ...{ connectedAt: connectedAt.splice(0), startedAt: startedAt.splice(0) },
  }
  process.send!(figures)
})
process.on('disconnect', async () => {
  await Promise.all(workers.map((end) => end()))
  process.exit()
})
process.send!('ready')
