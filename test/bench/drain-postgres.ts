/** `node test/bench/drain-postgres.ts [tasks] [rounds]`, on its own server, which flushes each commit to disk. */

import { startPostgres } from '../support/postgres-server.ts'
import { interleave } from './interleave.ts'

const n = Number(process.argv[2] ?? 3000)
const rounds = Number(process.argv[3] ?? 7)

const server = await startPostgres({ durable: true })
try {
  const options = { n, server: server.url() }
  await interleave(
    `Drain of ${n} no-op tasks, PostgreSQL, synchronous_commit=on`,
    [
      { name: 'graphile-worker, concurrency 1', script: 'graphile-worker.ts', options },
      { name: 'ops, every guarantee on', script: 'ops-postgres.ts', options },
      { name: 'pg-boss, fetch and complete', script: 'pg-boss.ts', options },
      { name: 'one UPDATE a round trip', script: 'raw-update.ts', options },
    ],
    rounds,
  )
} finally {
  await server.stop()
}
