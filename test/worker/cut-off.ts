import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Stop } from '../../src/platform/stop.ts'
import { defineProcessor } from '../../src/processor/define-processor.ts'
import { toQueuedTable } from '../../src/processor/ready-processor.ts'
import type { TaskContext } from '../../src/processor/task-context.ts'
import type { PostgresQueue } from '../../src/queue/postgres/queue.ts'
import { Worker } from '../../src/worker/worker.ts'
import { WorkerLog } from '../../src/worker/worker-log.ts'
import { builds } from '../queue/tables.ts'
import type { Sql } from '../support/invariants.ts'
import { openQueue, postgresFixture } from '../support/postgres-fixture.ts'
import type { WorkerEvent } from '../support/running-ops.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { databaseAt } from '../support/test-database.ts'
import { until } from '../support/until.ts'
import { type CutOptions, type WeakLink, weakLink } from '../support/weak-link.ts'

/** Says every tenth of a second that it is at work, until it is told to finish. */
const SCRIPT = 'until [ -e finish ]; do echo "$OPS_RUN_ID $(date +%s%N)" >> ticks; sleep 0.1; done'

/** The same for a program that does not end by SIGTERM. */
const STUBBORN = `trap "" TERM; ${SCRIPT}`

/** What a network can do to a connection. Unless it says otherwise, the server ends the session at once: the worst case. */
const CUTS: Readonly<Record<string, CutOptions>> = {
  'in both directions': {},
  'to the server': { lost: ['to_server'] },
  'to the client': { lost: ['to_client'] },
  'while the server keeps the session': { serverEndsAfterMs: 5000 },
  'after which the connection stays silent': { staysSilent: true },
}

/** Two workers of one database, of which the far one is on another machine, as far as the database knows. */
export interface TwoMachines {
  readonly sql: Sql
  readonly link: WeakLink
  /** The near worker's, and that of `sql`. */
  readonly nearLink: WeakLink
  readonly near: TestWorker
  readonly far: TestWorker
  /** Lets the programs of all tasks end. */
  finish(): void
  /** When which run was at work. */
  ticks(): Tick[]
  stop(): Promise<void>
}

interface Tick {
  readonly run: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

function buildsWith(perform: (task: unknown, context: TaskContext) => void | Promise<void>) {
  return defineProcessor({ name: 'build', table: builds, exclusive: true, perform })
}

export const queuedBuild = toQueuedTable(
  buildsWith(() => {}),
  {},
)

/** A worker of this process. */
export class TestWorker {
  readonly queue: PostgresQueue
  readonly #stop = { requested: new AbortController(), forced: new AbortController() }
  #output = ''
  #working: Promise<unknown> | undefined

  constructor(queue: PostgresQueue) {
    this.queue = queue
  }

  async start(name: string, folder: string, isStubborn: boolean): Promise<void> {
    const processor = buildsWith(async (_, { exec }) => {
      // Without the mark by which another worker on this machine would find it and end it.
      await exec('env', ['-u', 'OPS_RUN', 'sh', '-c', isStubborn ? STUBBORN : SCRIPT], { cwd: folder })
    })
    const queued = toQueuedTable(processor, {})
    const { requested, forced } = this.#stop
    const stop: Stop = { requested: requested.signal, forced: forced.signal, dispose() {} }
    const log = new WorkerLog((text) => {
      this.#output += text
    }, true)
    // Its programs are known by it, on this machine and whatever the database.
    const id = `${name}-${randomBytes(4).toString('hex')}`
    await this.queue.startWorker({ id, host: id, pid: process.pid, version: '0' })
    const environment = { queue: this.queue, workerId: id, stateDirectory: join(folder, id), projectDirectory: folder }
    const ready = { processor, settings: {}, queued }
    this.#working = new Worker([ready as never], environment, stop, log).work({ pollInterval: 200 })
  }

  events(): WorkerEvent[] {
    return this.#output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }

  async stop(): Promise<void> {
    this.#stop.requested.abort('SIGTERM')
    this.#stop.forced.abort('SIGTERM')
    await this.#working
  }
}

/** @param more `url`: of a database with the table, on a server of one's own */
export async function twoMachines({
  isStubborn = false,
  url,
}: {
  isStubborn?: boolean
  url?: string
} = {}): Promise<TwoMachines> {
  const folder = temporaryFolder()
  const file = join(folder, 'ticks')
  const [link, nearLink] = await bothLinks(url ?? (await postgresFixture([queuedBuild])).url)
  const far = new TestWorker(openQueue(link.url))
  const near = new TestWorker(openQueue(nearLink.url))
  const database = databaseAt(nearLink.url)
  onTestFinished(() => database.close())
  const { sql } = database
  await near.queue.enqueue(builds, [{ repository: 'a' }, { repository: 'b' }])
  const ticks = () => {
    if (!existsSync(file)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').map(Number) as [number, number])
      .map(([run, nanoseconds]) => ({ run, at: nanoseconds / 1e6 }))
  }
  await far.start('far', folder, isStubborn)
  await until(() => ticks().length > 0, 'the far worker is at work')
  const isRecorded = async () => (await sql('select 1 from ops_runs where process_groups is not null')).length > 0
  await until(isRecorded, 'its process group is recorded')
  for (const table of ['ops_workers', 'ops_runs']) await sql(`update ${table} set boot_id = 'another machine'`)
  await near.start('near', folder, isStubborn)
  return {
    ...{ sql, link, nearLink, near, far, ticks },
    finish: () => writeFileSync(join(folder, 'finish'), ''),
    async stop() {
      await Promise.all([near.stop(), far.stop()])
    },
  }
}

async function bothLinks(url: string): Promise<[WeakLink, WeakLink]> {
  return [await weakLink(url), await weakLink(url)]
}

export interface CutResult {
  /** Milliseconds during which two runs were at work. */
  readonly overlapMs: number
  /** How each run ended, in order: `far succeeded`. */
  readonly ended: readonly string[]
  /** How long after the start of the cut the first run was last at work. */
  readonly lastTickMs: number
  /** When the next run began, likewise; undefined if it began after the cut. */
  readonly tookOverMs: number | undefined
}

/** Cuts far workers off in every way at once, since they only wait. */
export async function cutInAllWays(
  milliseconds: number,
  behavior: { isStubborn?: boolean } = {},
): Promise<[way: string, result: CutResult][]> {
  const cuts = []
  for (const [way, cut] of Object.entries(CUTS)) cuts.push({ way, cut, two: await twoMachines(behavior) })
  return Promise.all(
    cuts.map(async ({ way, cut, two }) => [way, await cutFor(milliseconds, two, cut)] as [string, CutResult]),
  )
}

/** Cuts the far worker off while it performs the first task, and lets both tasks end afterwards. */
async function cutFor(milliseconds: number, machines: TwoMachines, options: CutOptions = {}): Promise<CutResult> {
  return disturb(machines, async () => {
    machines.link.cut(options)
    await delay(milliseconds)
    machines.link.restore()
  })
}

/** Disturbs the far worker while it performs the first task, and lets both tasks end afterwards. */
export async function disturb(machines: TwoMachines, disturbance: () => Promise<void>): Promise<CutResult> {
  const { sql, ticks } = machines
  const startAt = Date.now()
  await disturbance()
  const endAt = Date.now()
  const first = ticks()[0]!.run
  const others = () => ticks().filter(({ run }) => run !== first)
  // What costs no task is over when the database has been heard again.
  await delay(500)
  const ofFirst = await sql(`select ended_at from ops_runs where id = ${first}`)
  if (ofFirst[0]!.ended_at !== null) await until(() => others().length > 2, 'the second task is at work')
  machines.finish()
  const areFinished = async () => (await sql('select 1 from builds where finished_at is null')).length === 0
  await until(areFinished, 'both tasks have ended')
  await machines.stop()
  const runs = await sql('select worker_id, outcome from ops_runs order by id')
  const ofRun = ticks().filter(({ run }) => run === first)
  const lastTick = Math.max(...ofRun.map(({ at }) => at))
  const nextTick = Math.min(...others().map(({ at }) => at))
  return {
    overlapMs: Math.max(0, Math.round(lastTick - nextTick)),
    ended: runs.map(({ worker_id, outcome }) => `${String(worker_id).split('-')[0]} ${outcome}`),
    lastTickMs: Math.round(lastTick - startAt),
    tookOverMs: nextTick < endAt ? Math.round(nextTick - startAt) : undefined,
  }
}
