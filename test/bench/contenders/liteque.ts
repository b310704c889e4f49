/**
 * Drains no-op jobs with liteque, as in its README, with NORMAL, which it sets itself. As published it fails with
 * "Transaction function cannot return a promise", so it runs without its transaction here.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDBClient, Runner, SqliteQueue } from 'liteque'
import { type ContenderOptions, warmUp } from '../contender.ts'

const { n } = JSON.parse(process.argv[2]!) as ContenderOptions

const directory = mkdtempSync(join(tmpdir(), 'liteque-bench-'))
const file = join(directory, 'queue.db')
const client = buildDBClient(file, { runMigrations: true, walEnabled: true })
Object.assign(client, { transaction: (work: (inside: typeof client) => unknown) => work(client) })
const queue = new SqliteQueue<{ n: number }>('noop', client, {
  defaultJobArgs: { numRetries: 0 },
  keepFailedJobs: false,
})
for (let index = 0; index < n + warmUp; index += 1) await queue.enqueue({ n: index })
let done = 0
let startedAt = 0
let finish: (milliseconds: number) => void
const finished = new Promise<number>((resolve) => {
  finish = resolve
})
const runner = new Runner<{ n: number }>(
  queue,
  {
    run: async () => {
      done += 1
      if (done === warmUp) startedAt = performance.now()
      if (done === n + warmUp) finish(performance.now() - startedAt)
    },
  },
  { concurrency: 1, pollIntervalMs: 1000, timeoutSecs: 60 },
)
void runner.run()
const milliseconds = await finished
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000) }))
rmSync(directory, { recursive: true })
process.exit(0)
