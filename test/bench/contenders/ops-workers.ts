/**
 * Several worker processes drain the no-op tasks of one database. Prints how many a second all of them end, how many tasks ran
 * twice, and how often a worker said that the database was not available.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { defineProcessor } from '../../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../../src/processor/ready-processor.ts'
import { openQueue } from '../../../src/queue/open-queue.ts'
import { taskTable } from '../../../src/task-table/described-table.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { WorkerLog } from '../../../src/worker/worker-log.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { makeFolder, removeFolder } from '../../support/temporary-folder.ts'
import type { WorkersOptions } from '../contender.ts'
import { benchDatabase } from './bench-database.ts'

const table = taskTable('builds', (column) => ({ environment: column.text().notNull(), payload: column.text() }))
const processor = defineProcessor({ name: 'build', table, exclusiveBy: 'environment', perform: async () => {} })
const ready = { processor, settings: {}, queued: toQueuedTable(processor, {}) }
const openWith = (url: string, synchronous: 'FULL' | 'NORMAL') => openQueue(url, { directory: tmpdir(), synchronous })

if (process.send) await work(JSON.parse(process.argv[2]!))
else await measure(JSON.parse(process.argv[2]!))

async function work({ url, synchronous }: { url: string; synchronous: 'FULL' | 'NORMAL' }): Promise<void> {
  const queue = await openWith(url, synchronous)
  const workerId = `bench-${process.pid}`
  await queue.startWorker({ id: workerId, host: 'bench', pid: process.pid, version: '0' })
  process.send!('ready')
  await once(process, 'message')
  let errors = 0
  const log = new WorkerLog((lines) => {
    errors += lines.split('"event":"database"').length - 1
  }, true)
  const signal = new AbortController().signal
  const environment = { queue, workerId, stateDirectory: tmpdir(), projectDirectory: tmpdir() }
  await new Worker([ready], environment, { requested: signal, forced: signal, dispose() {} }, log).work({
    pollInterval: 1000,
    drain: true,
  })
  process.send!({ errors })
  await queue.close()
  process.disconnect()
}

async function measure({ n, workers, synchronous = 'NORMAL', server }: WorkersOptions): Promise<void> {
  const folder = makeFolder()
  const file = join(folder, 'ops.db')
  const made = server === undefined ? undefined : await benchDatabase(server)
  const url = made?.url ?? `sqlite:${file}`
  const queue = await openWith(url, synchronous)
  await queue.migrate([], [])
  await sqlOn(url, file, createTaskTable(table, made ? 'postgres' : 'sqlite'))
  await queue.migrate([], [ready.queued])
  await queue.enqueue(
    table,
    Array.from({ length: n }, (_, index) => ({ environment: `env-${index % 50}`, payload: `{"n":${index}}` })),
  )
  await queue.close()
  const children = Array.from({ length: workers }, () =>
    fork(import.meta.filename, [JSON.stringify({ url, synchronous })]),
  )
  await Promise.all(children.map((child) => once(child, 'message')))
  const startedAt = performance.now()
  const ended = await Promise.all(children.map(go))
  const milliseconds = performance.now() - startedAt
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  const [{ runs, tasks }] = (await sqlOn(
    url,
    file,
    'select count(*) as runs, count(distinct task_id) as tasks from ops_runs where ended_at is not null',
  )) as [{ runs: number; tasks: number }]
  await made?.drop()
  removeFolder(folder)
  if (Number(tasks) !== n) throw new Error(`${tasks} of ${n} tasks have ended`)
  const errors = ended.reduce((sum, one) => sum + one.errors, 0)
  console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000), twice: Number(runs) - Number(tasks), errors }))
}

async function go(child: ChildProcess): Promise<{ errors: number }> {
  child.send('go')
  const [message] = await once(child, 'message')
  return message
}

async function sqlOn(url: string, file: string, text: string): Promise<unknown[]> {
  if (url.startsWith('sqlite:')) {
    const database = new Database(file)
    const statement = database.prepare(text)
    const rows = statement.reader ? statement.all() : [statement.run()]
    database.close()
    return rows
  }
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}
