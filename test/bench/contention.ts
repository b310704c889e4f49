/**
 * `node test/bench/contention.ts [seconds]`: how long other writers wait while a worker drains no-op tasks back to
 * back: `ops enqueue`, and a program other than ops with an ordinary `busy_timeout` of 5 s.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { SqliteQueue } from '../../src/queue/sqlite/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { percentile, print } from './interleave.ts'

const seconds = Number(process.argv[2] ?? 5)
const table = taskTable('checks', (column) => ({ payload: column.text() }))
const rows: object[] = []
for (const synchronous of ['FULL', 'NORMAL'] as const) {
  for (const writer of ['none', 'ops enqueue', 'busy_timeout 5 s'] as const) {
    const directory = mkdtempSync(join(tmpdir(), 'ops-contention-'))
    const file = join(directory, 'ops.db')
    const options = JSON.stringify({ file, synchronous, backlog: 400_000 })
    const worker = fork(join(import.meta.dirname, 'contenders', 'pick-up-worker.ts'), [options])
    await once(worker, 'message')
    const write = writer === 'none' ? undefined : writerOf(writer, file, synchronous)
    const waits: number[] = []
    await delay(500)
    const before = performance.now()
    const doneBefore = done(file)
    while (performance.now() - before < seconds * 1000) {
      await delay(5)
      if (!write) continue
      const startedAt = performance.now()
      await write.insert()
      waits.push(performance.now() - startedAt)
    }
    const perSecond = (done(file) - doneBefore) / ((performance.now() - before) / 1000)
    rows.push({
      synchronous,
      writer,
      'tasks a second': perSecond,
      inserts: waits.length,
      p50: waits.length > 0 ? percentile(waits, 0.5) : '',
      p99: waits.length > 0 ? percentile(waits, 0.99) : '',
      max: waits.length > 0 ? Math.max(...waits) : '',
    })
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    await write?.close()
    rmSync(directory, { recursive: true })
  }
}
print('Waits of other writers, milliseconds', rows)

function writerOf(writer: string, file: string, synchronous: 'FULL' | 'NORMAL') {
  if (writer === 'ops enqueue') {
    const queue = new SqliteQueue(file, { synchronous })
    return { insert: () => queue.enqueue(table, [{ payload: '{}' }]), close: () => queue.close() }
  }
  const database = new Database(file, { timeout: 5000 })
  database.pragma(`synchronous = ${synchronous}`)
  const insert = database.prepare(`insert into checks (payload) values ('{}')`)
  return { insert: async () => insert.run(), close: async () => database.close() }
}

function done(file: string): number {
  const database = new Database(file, { readonly: true })
  const count = database.prepare('select max(id) from ops_runs').pluck().get() as number
  database.close()
  return count
}
