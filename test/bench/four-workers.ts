/**
 * `node test/bench/four-workers.ts [tasks] [rounds]`: four worker processes on one database, against one on SQLite, and
 * against graphile-worker on PostgreSQL.
 */

import { startPostgres } from '../support/postgres-server.ts'
import { interleave } from './interleave.ts'

const n = Number(process.argv[2] ?? 8000)
const rounds = Number(process.argv[3] ?? 5)
const script = 'ops-workers.ts'

await interleave(
  `Drain of ${n} no-op tasks by several workers, SQLite NORMAL`,
  [
    { name: 'one worker', script, options: { n, workers: 1 } },
    { name: 'four workers', script, options: { n, workers: 4 } },
  ],
  rounds,
)
const server = await startPostgres({ durable: true })
try {
  const postgres = { n: Math.ceil(n / 2), server: server.url() }
  await interleave(
    `Drain of ${postgres.n} no-op tasks by several workers, PostgreSQL, synchronous_commit=on`,
    [
      {
        name: 'graphile-worker, concurrency 4',
        script: 'graphile-worker.ts',
        options: { ...postgres, concurrency: 4 },
      },
      { name: 'four workers', script, options: { ...postgres, workers: 4 } },
      { name: 'one worker', script, options: { ...postgres, workers: 1 } },
    ],
    rounds,
  )
} finally {
  await server.stop()
}
