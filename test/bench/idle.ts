/** `node test/bench/idle.ts [seconds]`: the cost of an idle `ops worker`. Needs /proc. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import pg from 'pg'
import { startPostgres } from '../support/postgres-server.ts'
import { benchDatabase } from './contenders/bench-database.ts'
import { print } from './interleave.ts'

const seconds = Number(process.argv[2] ?? 20)
const bin = process.env.OPS_BIN ?? join(import.meta.dirname, '..', '..', 'bin', 'run.js')

/** User and system time together, in clock ticks of 10 ms. */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function megabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

/** @param transactions the number of transactions, if the database counts them */
async function idle(database: string, env: Record<string, string>, transactions?: () => Promise<number>) {
  const cwd = mkdtempSync(join(tmpdir(), 'ops-idle-'))
  await execa(process.execPath, [bin, 'migrate'], { cwd, env })
  const worker = execa(process.execPath, [bin, 'worker'], { cwd, env, stdout: 'ignore' })
  const pid = worker.pid!
  await delay(4000)
  const before = [ticks(pid), (await transactions?.()) ?? 0] as const
  await delay(seconds * 1000)
  const percent = (ticks(pid) - before[0]) / seconds
  const queries = transactions && ((await transactions()) - before[1]) / seconds
  const row = {
    database,
    'percent of a core': percent,
    'resident MB': megabytes(pid),
    'queries a second': queries ?? '',
  }
  worker.kill('SIGTERM')
  await worker
  rmSync(cwd, { recursive: true })
  return row
}

const server = await startPostgres()
try {
  const { url, drop } = await benchDatabase(server.url())
  // Asked from another database, which has its own counters.
  const operator = new pg.Client(server.url())
  await operator.connect()
  const transactions = async () => {
    const text = 'select xact_commit + xact_rollback as sum from pg_stat_database where datname = $1'
    const { rows } = await operator.query(text, [new URL(url).pathname.slice(1)])
    return Number(rows[0].sum)
  }
  const rows = [await idle('SQLite', {}), await idle('PostgreSQL', { OPS_DATABASE_URL: url }, transactions)]
  await operator.end()
  await drop()
  print(`A worker that is idle for ${seconds} s`, rows)
} finally {
  await server.stop()
}
