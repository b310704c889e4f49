/** Drains no-op jobs with graphile-worker, each fetched and completed separately. */

import { Logger, run, runMigrations } from 'graphile-worker'
import pg from 'pg'
import { type PostgresContenderOptions, warmUpOnPostgres as warmUp } from '../contender.ts'
import { benchDatabase } from './bench-database.ts'

const {
  n,
  server,
  concurrency = 1,
} = JSON.parse(process.argv[2]!) as PostgresContenderOptions & {
  concurrency?: number
}

const { url, drop } = await benchDatabase(server)
const logger = new Logger(() => () => {})
await runMigrations({ connectionString: url, logger })
const client = new pg.Client(url)
await client.connect()
await client.query(
  `select graphile_worker.add_job('noop', json_build_object('n', i)) from generate_series(1, ${n + warmUp}) i`,
)
await client.end()
let done = 0
let startedAt = 0
let finish: (milliseconds: number) => void
const finished = new Promise<number>((resolve) => {
  finish = resolve
})
const taskList = {
  noop: async () => {
    done += 1
    if (done === warmUp) startedAt = performance.now()
    if (done === n + warmUp) finish(performance.now() - startedAt)
  },
}
const runner = await run({ connectionString: url, concurrency, noHandleSignals: true, logger, taskList })
const milliseconds = await finished
await runner.stop()
await drop()
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000) }))
