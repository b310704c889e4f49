/**
 * `node test/bench/fleet.ts [sessions] [seconds] [tasks] [phases]`: many workers on one PostgreSQL, in a few processes: what they
 * cost while idle, how many an insert wakes, what they perform together, and how they come back after a restart of the
 * server. Needs /proc.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { PostgresQueue } from '../../src/queue/postgres/queue.ts'
import { createTaskTable } from '../support/create-task-table.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { queued } from '../support/queued.ts'
import { benchDatabase } from './contenders/bench-database.ts'
import type { FleetFigures } from './contenders/fleet-workers.ts'
import { fleetTables } from './fleet-tables.ts'
import { percentile, print } from './interleave.ts'

const sessions = (process.argv[2] ?? '1,16,500').split(',').map(Number)
const seconds = Number(process.argv[3] ?? 20)
const tasks = Number(process.argv[4] ?? 5000)
const phases = (process.argv[5] ?? 'idle,inserts,burst,drain,restart').split(',')
const PROCESSES = 4
const INSERTS = 100

interface Fleet {
  figures(): Promise<FleetFigures>
  stop(): Promise<void>
}

async function startFleet(url: string, count: number): Promise<Fleet> {
  const processes = Math.min(PROCESSES, count)
  const children = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const share = { url, first: index * count, count: Math.ceil((count - index) / processes) }
      const child = fork(join(import.meta.dirname, 'contenders', 'fleet-workers.ts'), [JSON.stringify(share)])
      await once(child, 'message')
      return child
    }),
  )
  return {
    async figures() {
      const all = await Promise.all(children.map(ask))
      const sum = (of: (one: FleetFigures) => number) => all.reduce((total, one) => total + of(one), 0)
      return {
        performed: sum(({ performed }) => performed),
        wakeUps: sum(({ wakeUps }) => wakeUps),
        statements: sum(({ statements }) => statements),
        processor: sum(({ processor }) => processor),
        connectedAt: all.flatMap(({ connectedAt }) => connectedAt),
        startedAt: all.flatMap(({ startedAt }) => startedAt),
      }
    },
    async stop() {
      for (const child of children) child.disconnect()
      await Promise.all(children.map((child) => once(child, 'exit')))
    },
  }
}

async function ask(child: ChildProcess): Promise<FleetFigures> {
  const answer = once(child, 'message')
  child.send('figures')
  return (await answer)[0]
}

/** Milliseconds of processor time of the server and all that it has started. */
function serverTime(server: PostgresServer): number {
  const main = readFileSync(join(server.data, 'postmaster.pid'), 'utf8').split('\n')[0]!
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return all.filter((pid) => pid === main || parentOf(pid) === main).reduce((sum, pid) => sum + runTime(pid), 0)
}

function parentOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
  } catch {
    return undefined
  }
}

/** More exact than the ticks of /proc/<pid>/stat, which are longer than all that an idle session does. */
function runTime(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    return 0
  }
}

async function measureIdle(server: PostgresServer, fleet: Fleet) {
  const before = [serverTime(server), await fleet.figures()] as const
  await delay(seconds * 1000)
  const after = [serverTime(server), await fleet.figures()] as const
  return {
    'server, % of a core': (after[0] - before[0]) / seconds / 10,
    'workers, % of a core': (after[1].processor - before[1].processor) / seconds / 10,
    'statements a second': (after[1].statements - before[1].statements) / seconds,
  }
}

async function measureInserts(client: pg.Client, fleet: Fleet) {
  const idle = await fleet.figures()
  const pickUps: number[] = []
  for (let insert = 0; insert < INSERTS; insert += 1) {
    await delay(30 + Math.random() * 30)
    await client.query(`insert into builds (payload) values ('{}')`)
    const committedAt = process.hrtime.bigint()
    for (;;) {
      const { startedAt } = await fleet.figures()
      if (startedAt[0] === undefined) continue
      pickUps.push(Number(BigInt(startedAt[0]) - committedAt) / 1e6)
      break
    }
  }
  const { wakeUps } = await fleet.figures()
  return {
    'wake-ups an insert': (wakeUps - idle.wakeUps) / INSERTS,
    'pick-up p50, ms': percentile(pickUps, 0.5),
    'pick-up p99, ms': percentile(pickUps, 0.99),
  }
}

/** As many inserts as there are sessions, each of its own transaction. */
async function measureBurst(client: pg.Client, fleet: Fleet, count: number) {
  await delay(3000)
  await fleet.figures()
  const burst = Array.from({ length: count }, () => `insert into builds (payload) values ('{}')`).join('; commit; ')
  const from = process.hrtime.bigint()
  await client.query(`${burst}; commit`)
  const waits: number[] = []
  while (waits.length < count) {
    await delay(20)
    const { startedAt } = await fleet.figures()
    waits.push(...startedAt.map((at) => Number(BigInt(at) - from) / 1e6))
  }
  return { 'burst, half begun, ms': percentile(waits, 0.5), 'all begun, ms': Math.max(...waits) }
}

/** Once for the plans that each session makes once, and once measured. */
async function measureDrain(server: PostgresServer, client: pg.Client, fleet: Fleet) {
  await drain(server, client, fleet)
  return drain(server, client, fleet)
}

async function drain(server: PostgresServer, client: pg.Client, fleet: Fleet) {
  await delay(2000)
  const { performed, statements, processor } = await fleet.figures()
  const before = serverTime(server)
  const from = performance.now()
  await client.query(`insert into builds (payload) select '{}' from generate_series(1, ${tasks})`)
  while ((await fleet.figures()).performed < performed + tasks) await delay(50)
  const perSecond = tasks / ((performance.now() - from) / 1000)
  const after = await fleet.figures()
  return {
    'tasks a second': perSecond,
    'statements a task': (after.statements - statements) / tasks,
    'server, ms a task': (serverTime(server) - before) / tasks,
    'workers, ms a task': (after.processor - processor) / tasks,
  }
}

async function measureRestart(server: PostgresServer, fleet: Fleet, count: number) {
  await fleet.figures()
  const before = Date.now()
  await server.restart({ afterMs: 3000 })
  await delay(15_000)
  const { connectedAt } = await fleet.figures()
  const perSecond = new Map<number, number>()
  for (const at of connectedAt) {
    const second = Math.floor((at - before) / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
  }
  return {
    sessions: count,
    attempts: connectedAt.length,
    'most in a second': Math.max(...perSecond.values()),
    'second by second': Array.from({ length: 18 }, (_, second) => perSecond.get(second) ?? 0).join(' '),
  }
}

const server = await startPostgres({ durable: true, connections: Math.max(...sessions) + 50 })
try {
  const rows: object[] = []
  const restarts: object[] = []
  for (const count of sessions) {
    const { url, drop } = await benchDatabase(server.url())
    const client = new pg.Client(url)
    client.on('error', () => {})
    await client.connect()
    for (const table of fleetTables) await client.query(createTaskTable(table, 'postgres'))
    const queue = new PostgresQueue(url)
    await queue.migrate(
      [],
      fleetTables.map((table) => queued(table)),
    )
    await queue.close()
    const fleet = await startFleet(url, count)
    await delay(5000)
    const has = (phase: string) => phases.includes(phase)
    rows.push({
      sessions: count,
      ...(has('idle') && (await measureIdle(server, fleet))),
      ...(has('inserts') && (await measureInserts(client, fleet))),
      ...(has('burst') && (await measureBurst(client, fleet, count))),
      ...(has('drain') && (await measureDrain(server, client, fleet))),
    })
    await client.end()
    if (has('restart')) restarts.push(await measureRestart(server, fleet, count))
    await fleet.stop()
    await drop()
  }
  print(`Workers on one PostgreSQL, poll 1 s, idle for ${seconds} s`, rows)
  if (restarts.length > 0) print('Connections after a restart of the server that takes 3 s', restarts)
} finally {
  await server.stop()
}
