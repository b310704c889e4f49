import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseKind } from '../support/test-database.ts'
import { figuresOf, type TortureFigures } from './figures.ts'
import { TortureFixture, type TortureProblem } from './fixture.ts'
import type { MigratorReport } from './migrator.ts'
import { Random } from './random.ts'
import { TorturedWorker } from './tortured-worker.ts'

/** How long no task may settle, once no worker is killed any more. */
const STANDSTILL_MS = 30_000

export interface TortureOptions {
  readonly database: DatabaseKind
  readonly kills: number
  readonly workers: number
  readonly seed: number
  /** Whether an application migrates its tables meanwhile. */
  readonly migrates?: boolean
  /** Further disturbances, during which writers may get errors. The torture lasts at least as long. */
  readonly meanwhile?: (random: Random) => Promise<void>
  /** Called every few seconds with a line of text. */
  readonly onProgress?: (line: string) => void
}

export interface TortureReport {
  readonly figures: TortureFigures
  /** Empty if every promise was kept. */
  readonly problems: readonly TortureProblem[]
}

/** Kills workers at random while writers enqueue, lets the rest drain, and checks every promise. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const fixture = await TortureFixture.create(options.database)
  const startedAt = performance.now()
  const writers = [fixture.startWriter('ops', options.seed + 1), fixture.startWriter('sql', options.seed + 2)]
  const migrator = options.migrates ? fixture.startMigrator(options.seed + 3) : undefined
  const mayFailToStart = options.meanwhile !== undefined
  const workers = Array.from(
    { length: options.workers },
    () => new TorturedWorker(() => fixture.startWorker(), { mayFailToStart }),
  )
  const killed = () => workers.reduce((sum, { kills }) => sum + kills.length, 0)
  const seconds = () => (performance.now() - startedAt) / 1000
  const progress = setInterval(async () => {
    const { succeeded = 0, failed = 0, canceled = 0, pending = 0 } = await fixture.statuses().catch(() => ({}) as never)
    const settled = succeeded + failed + canceled
    const rate = (settled / seconds()).toFixed(1)
    options.onProgress?.(`${killed()} kills, ${settled} tasks done, ${rate} a second, ${pending} pending`)
  }, 5000)
  try {
    const random = new Random(options.seed)
    await Promise.all(workers.map((worker) => worker.isUp()))
    const meanwhile = options.meanwhile?.(random)
    await Promise.all(
      workers.map(async (worker) => {
        while (killed() < options.kills) {
          await worker.crash(random)
          // Mostly while it works, sometimes while it starts.
          if (random.happens(0.9)) await worker.isUp()
          await delay(random.between(0, 800))
        }
      }),
    )
    await meanwhile
    for (const writer of writers) writer.say('stop')
    const written = await Promise.all(writers.map(async (writer) => JSON.parse(await writer.line()) as WriterReport))
    migrator?.say('stop')
    const migrated = migrator && (JSON.parse(await migrator.line()) as MigratorReport)
    await drained(fixture)
    await Promise.all(workers.map((worker) => worker.end()))
    const errors = options.meanwhile ? [] : written.flatMap(({ errors }) => errors)
    const other = [...workers.flatMap(({ problems }) => problems), ...errors.map((error) => `a writer got: ${error}`)]
    const added = written.reduce((sum, report) => sum + report.added, 0)
    const problems: TortureProblem[] = [
      ...other.map((text) => ({ kind: 'other' as const, text })),
      ...(migrated?.broken ?? []).map((text) => ({ kind: 'violation' as const, text })),
      ...(await fixture.problems(added, migrated !== undefined)),
    ]
    return {
      figures: await figuresOf(fixture.sql, workers, { seconds: seconds(), added, migrated, problems }),
      problems,
    }
  } finally {
    clearInterval(progress)
    for (const program of [...writers, ...(migrator ? [migrator] : [])]) program.kill('SIGKILL')
    await Promise.all(workers.map((worker) => worker.destroy()))
    await fixture.remove()
  }
}

interface WriterReport {
  readonly added: number
  readonly errors: readonly string[]
}

/** Waits until all tasks are settled, or none settles any more; the rest are reported as problems. */
async function drained(fixture: TortureFixture): Promise<void> {
  let moved = performance.now()
  let before = ''
  while (performance.now() - moved < STANDSTILL_MS) {
    const statuses = await fixture.statuses()
    if (!statuses.pending && !statuses.ongoing) return
    const now = JSON.stringify(statuses)
    if (now !== before) moved = performance.now()
    before = now
    await delay(100)
  }
}
