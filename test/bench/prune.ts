/**
 * `node test/bench/prune.ts [tasks] [FULL|NORMAL]`: pruning a million tasks in a SQLite file, alone and beside a worker that drains no-op
 * tasks, and how long a program other than ops, with an ordinary `busy_timeout` of 5 s, waits meanwhile.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { SqliteQueue } from '../../src/queue/sqlite/queue.ts'
import { taskTable } from '../../src/task-table/described-table.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { queued } from '../support/queued.ts'
import { percentile, print } from './interleave.ts'

const count = Number(process.argv[2] ?? 1_000_000)
const durabilities = (['FULL', 'NORMAL'] as const).filter((one) => (process.argv[3] ?? one) === one)
const folder = mkdtempSync(join(tmpdir(), 'ops-prune-'))
const original = join(folder, 'original.db')
const file = join(folder, 'ops.db')
const before = Date.now() - 1000
await fill(original)

const rows: object[] = []
for (const synchronous of durabilities) {
  for (const isDraining of [false, true]) {
    copyFileSync(original, file)
    const size = statSync(file).size
    const options = JSON.stringify({ file, synchronous, backlog: isDraining ? count : 0 })
    const worker = isDraining ? start('pick-up-worker.ts', options) : undefined
    if (worker) await once(worker, 'message')
    const alone = worker ? await rateOf(3000) : 0
    const pruning = start('prune-all.ts', JSON.stringify({ file, synchronous, before }))
    const done = once(pruning, 'message')
    const startedAt = performance.now()
    const doneBefore = ended()
    const waits = await insertUntil(pruning, synchronous)
    const drained = (ended() - doneBefore) / ((performance.now() - startedAt) / 1000)
    const [figures] = (await done) as [{ tasks: number; seconds: number; reclaiming: number; steps: number }]
    worker?.kill('SIGKILL')
    rows.push({
      synchronous,
      worker: isDraining ? 'draining' : 'none',
      pruned: figures.tasks,
      'a second': figures.tasks / figures.seconds,
      'reclaiming, s': figures.reclaiming,
      steps: figures.steps,
      'file before and after, MB': `${Math.round(size / 1e6)}, ${Math.round(statSync(file).size / 1e6)}`,
      'drained a second, alone and beside': `${Math.round(alone)}, ${Math.round(isDraining ? drained : 0)}`,
      inserts: waits.length,
      ...{ p50: percentile(waits, 0.5), p99: percentile(waits, 0.99), max: Math.max(...waits) },
    })
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true })
  }
}
rmSync(folder, { recursive: true })
print('Pruning, and waits of another writer in milliseconds', rows)

function start(script: string, options: string): ChildProcess {
  return fork(join(import.meta.dirname, 'contenders', script), [options])
}

async function insertUntil(pruning: ChildProcess, synchronous: string): Promise<number[]> {
  const database = new Database(file, { timeout: 5000 })
  database.pragma(`synchronous = ${synchronous}`)
  const insert = database.prepare(`insert into checks (payload) values ('{}')`)
  const waits: number[] = []
  let isOver = false
  pruning.once('exit', () => {
    isOver = true
  })
  while (!isOver) {
    await delay(5)
    const startedAt = performance.now()
    insert.run()
    waits.push(performance.now() - startedAt)
  }
  database.close()
  return waits
}

async function rateOf(milliseconds: number): Promise<number> {
  const doneBefore = ended()
  await delay(milliseconds)
  return (ended() - doneBefore) / (milliseconds / 1000)
}

/** The numbers given so far; a no-op task that drains has two. */
function ended(): number {
  const database = new Database(file, { readonly: true })
  const number = database.prepare('select coalesce(max(id), 0) from ops_runs').pluck().get() as number
  database.close()
  return number / 2
}

/** Tasks with their history as a worker leaves it: each run follows the one before. */
async function fill(path: string): Promise<void> {
  const table = taskTable('checks', (column) => ({ payload: column.text() }))
  const queue = new SqliteQueue(path, { synchronous: 'NORMAL' })
  await queue.migrate([], [])
  const database = new Database(path)
  database.exec(createTaskTable(table))
  const at = before - 86_400_000
  const numbers = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`
  database.exec(`begin;
    insert into checks (id, status, created_at, run_at, attempt, started_at, finished_at, progress, payload)
      ${numbers} select i, 'succeeded', ${at}, ${at}, 1, ${at}, ${at}, 1, '{}' from n;
    insert into ops_events (id, at, task_table, task_id, event, to_status)
      ${numbers} select i, ${at}, 'checks', i, 'enqueued', 'pending' from n;
    insert into ops_runs (id, follows, task_table, task_id, attempt, worker_id, started_at, end_id, ended_at, outcome)
      ${numbers} select ${count} + 2 * i, iif(i = 1, null, ${count} + 2 * (i - 1)), 'checks', i, 1, 'bench', ${at},
        ${count} + 2 * i + 1, ${at}, 'succeeded' from n;
    insert into ops_runs_of_task select task_table, task_id, id from ops_runs;
    update ops_runs_listed set run_id = (select max(id) from ops_runs);
    insert into ops_ends select end_id, id from ops_runs order by id desc limit 1;
    commit;`)
  database.close()
  await queue.migrate([], [queued(table)])
  await queue.close()
}
