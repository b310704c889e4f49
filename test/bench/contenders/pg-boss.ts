/** Drains no-op jobs with pg-boss, one at a time: fetch, then complete. */

import { PgBoss } from 'pg-boss'
import { type PostgresContenderOptions, warmUpOnPostgres as warmUp } from '../contender.ts'
import { benchDatabase } from './bench-database.ts'

const { n, server } = JSON.parse(process.argv[2]!) as PostgresContenderOptions

const { url, drop } = await benchDatabase(server)
const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false })
boss.on('error', () => {})
await boss.start()
await boss.createQueue('noop')
await boss.insert(
  'noop',
  Array.from({ length: n + warmUp }, (_, index) => ({ data: { n: index } })),
)
let startedAt = 0
for (let done = 1; done <= n + warmUp; done += 1) {
  const [job] = await boss.fetch('noop')
  await boss.complete('noop', job!.id)
  if (done === warmUp) startedAt = performance.now()
}
const milliseconds = performance.now() - startedAt
await boss.stop({ graceful: false })
await drop()
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000) }))
