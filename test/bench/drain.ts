/** `node test/bench/drain.ts [tasks] [rounds]` */

import { interleave } from './interleave.ts'

const n = Number(process.argv[2] ?? 20_000)
const rounds = Number(process.argv[3] ?? 5)

for (const synchronous of ['NORMAL', 'FULL'] as const) {
  const options = { n: synchronous === 'FULL' ? Math.ceil(n / 2) : n, synchronous }
  await interleave(
    `Drain of ${options.n} no-op tasks, SQLite ${synchronous}`,
    [
      { name: 'plainjob', script: 'plainjob.ts', options },
      { name: 'ops, every guarantee on', script: 'ops.ts', options },
      // It sorts its whole backlog for each job, so it gets a short one. It has no FULL.
      ...(synchronous === 'NORMAL'
        ? [{ name: 'liteque', script: 'liteque.ts', options: { ...options, n: 1000 } }]
        : []),
      { name: 'raw commit of one page', script: 'raw-commit.ts', options },
    ],
    rounds,
  )
}
