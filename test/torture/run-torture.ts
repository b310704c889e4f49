import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseKind } from '../support/test-database.ts'
import { Chance } from './chance.ts'
import { figuresOf, type TortureFigures } from './figures.ts'
import { Ground } from './ground.ts'
import { TorturedWorker } from './tortured-worker.ts'

/** How long nothing may come to an end once nobody is killed any more. */
const STANDSTILL_MS = 30_000

export interface TortureOptions {
  readonly database: DatabaseKind
  readonly kills: number
  readonly workers: number
  readonly seed: number
  /** What else happens meanwhile; the torture goes on until it is over. Writers may be told of it. */
  readonly meanwhile?: (chance: Chance) => Promise<void>
  /** Called every few seconds with a line of text. */
  readonly tell: (line: string) => void
}

export interface TortureReport {
  readonly figures: TortureFigures
  /** Empty when every promise was kept. */
  readonly problems: readonly string[]
}

/** Kills workers at random moments while others enqueue, lets the rest drain, and looks at what is wrong then. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const ground = await Ground.on(options.database)
  const startedAt = performance.now()
  const writers = [ground.startWriter('ops', options.seed + 1), ground.startWriter('sql', options.seed + 2)]
  const mayFailToStart = options.meanwhile !== undefined
  const workers = Array.from(
    { length: options.workers },
    () => new TorturedWorker(() => ground.startWorker(), { mayFailToStart }),
  )
  const killed = () => workers.reduce((sum, { kills }) => sum + kills.length, 0)
  const seconds = () => (performance.now() - startedAt) / 1000
  const telling = setInterval(async () => {
    const { succeeded = 0, failed = 0, canceled = 0, pending = 0 } = await ground.statuses().catch(() => ({}) as never)
    const settled = succeeded + failed + canceled
    const rate = (settled / seconds()).toFixed(1)
    options.tell(`${killed()} kills, ${settled} tasks done, ${rate} a second, ${pending} pending`)
  }, 5000)
  try {
    const chance = new Chance(options.seed)
    await Promise.all(workers.map((worker) => worker.isUp()))
    const meanwhile = options.meanwhile?.(chance)
    await Promise.all(
      workers.map(async (worker) => {
        while (killed() < options.kills) {
          await worker.suffer(chance)
          // Mostly when it works, sometimes while it starts.
          if (chance.happens(0.9)) await worker.isUp()
          await delay(chance.between(0, 800))
        }
      }),
    )
    await meanwhile
    for (const writer of writers) writer.say('stop')
    const written = await Promise.all(writers.map(async (writer) => JSON.parse(await writer.line())))
    await drained(ground)
    await Promise.all(workers.map((worker) => worker.end()))
    return {
      figures: await figuresOf(ground.sql, workers, seconds()),
      problems: [
        ...workers.flatMap(({ problems }) => problems),
        ...(options.meanwhile ? [] : written.flatMap(({ errors }) => errors as string[])).map(
          (error) => `a writer was told: ${error}`,
        ),
        ...(await ground.problems()),
      ],
    }
  } finally {
    clearInterval(telling)
    for (const writer of writers) writer.kill('SIGKILL')
    await Promise.all(workers.map((worker) => worker.abandon()))
    await ground.leave()
  }
}

/** Waits until everything is settled, or nothing moves any more; what is left is found afterwards. */
async function drained(ground: Ground): Promise<void> {
  let moved = performance.now()
  let before = ''
  while (performance.now() - moved < STANDSTILL_MS) {
    const statuses = await ground.statuses()
    if (!statuses.pending && !statuses.ongoing) return
    const now = JSON.stringify(statuses)
    if (now !== before) moved = performance.now()
    before = now
    await delay(100)
  }
}
