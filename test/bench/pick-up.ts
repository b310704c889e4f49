/**
 * `node test/bench/pick-up.ts [samples]`: the time from a commit of another program to the start of `perform` in an
 * idle worker.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { percentile, print } from './interleave.ts'

const samples = Number(process.argv[2] ?? 300)
const rows: object[] = []
for (const synchronous of ['NORMAL', 'FULL'] as const) {
  const directory = mkdtempSync(join(tmpdir(), 'ops-pick-up-'))
  const file = join(directory, 'ops.db')
  const worker = fork(join(import.meta.dirname, 'contenders', 'pick-up-worker.ts'), [
    JSON.stringify({ file, synchronous }),
  ])
  await once(worker, 'message')
  const database = new Database(file)
  database.pragma(`synchronous = ${synchronous}`)
  const insert = database.prepare(`insert into checks (payload) values ('{}')`)
  const waits: number[] = []
  for (let sample = 0; sample < samples; sample += 1) {
    // At uneven intervals, after which the worker is idle again.
    await delay(15 + Math.random() * 15)
    const answer = once(worker, 'message')
    insert.run()
    const committedAt = process.hrtime.bigint()
    const [{ startedAt }] = (await answer) as [{ startedAt: string }]
    waits.push(Number(BigInt(startedAt) - committedAt) / 1e6)
  }
  rows.push({
    synchronous,
    samples,
    p50: percentile(waits, 0.5),
    p90: percentile(waits, 0.9),
    p99: percentile(waits, 0.99),
    max: Math.max(...waits),
  })
  worker.disconnect()
  await once(worker, 'exit')
  database.close()
  rmSync(directory, { recursive: true })
}
print('Pick-up, milliseconds', rows)
