import { percentile } from '../bench/interleave.ts'
import type { Sql } from '../support/invariants.ts'
import { allTables } from '../support/kinds.ts'
import type { TortureProblem } from './fixture.ts'
import type { MigratorReport } from './migrator.ts'
import type { Kill, TorturedWorker } from './tortured-worker.ts'

export interface TortureFigures {
  readonly seconds: number
  readonly kills: number
  readonly 'kills during a task': number
  readonly stops: number
  readonly pauses: number
  readonly migrations: number
  readonly 'stale writes': number
  readonly tasks: number
  readonly pruned: number
  readonly runs: number
  readonly crashes: number
  readonly recoveries: number
  readonly 'settled after, p50 ms': number
  readonly 'p99 ms': number
  readonly 'max ms': number
  readonly lost: number
  readonly twice: number
  readonly overlaps: number
  readonly violations: number
}

interface Totals {
  readonly seconds: number
  readonly added: number
  readonly migrated: MigratorReport | undefined
  readonly problems: readonly TortureProblem[]
}

export async function figuresOf(
  sql: Sql,
  workers: readonly TorturedWorker[],
  { seconds, added, migrated, problems }: Totals,
): Promise<TortureFigures> {
  const broken = (wanted: TortureProblem['kind']) => problems.filter(({ kind }) => kind === wanted).length
  const count = async (from: string) => Number((await sql(`select count(*) as rows from ${from}`))[0]!.rows)
  const kills = workers.flatMap((worker) => worker.kills)
  const waits = await waitsAfter(kills, sql)
  return {
    seconds: Math.round(seconds),
    kills: kills.length,
    'kills during a task': waits.length,
    stops: workers.reduce((sum, { stops }) => sum + stops, 0),
    pauses: workers.reduce((sum, { pauses }) => sum + pauses, 0),
    migrations: migrated?.schemaChanges ?? 0,
    'stale writes': migrated?.staleWrites ?? 0,
    tasks: added,
    pruned: added - (await tasksLeft(sql)),
    runs: await count('ops_runs'),
    crashes: await count(`ops_runs where outcome in ('crashed', 'quarantined')`),
    recoveries: await count(`ops_audit where event = 'recovered'`),
    'settled after, p50 ms': waits.length > 0 ? percentile(waits, 0.5) : 0,
    'p99 ms': waits.length > 0 ? percentile(waits, 0.99) : 0,
    'max ms': Math.max(0, ...waits),
    lost: broken('lost'),
    twice: broken('twice'),
    overlaps: broken('overlap'),
    violations: broken('violation'),
  }
}

async function tasksLeft(sql: Sql): Promise<number> {
  const counts = allTables.map((table) => `(select count(*) from ${table})`)
  return Number((await sql(`select ${counts.join(' + ')} as tasks`))[0]!.tasks)
}

/** Milliseconds from each kill to the end of the run it interrupted. */
async function waitsAfter(kills: readonly Kill[], sql: Sql): Promise<number[]> {
  const runs = await sql('select worker_id, started_at, ended_at from ops_runs where ended_at is not null')
  const byPid = Map.groupBy(runs, ({ worker_id }) => Number(/-(\d+)-[^-]+$/.exec(String(worker_id))?.[1]))
  return kills.flatMap(({ pid, at }) => {
    const run = byPid.get(pid)?.find(({ started_at, ended_at }) => instant(started_at) <= at && instant(ended_at) > at)
    return run ? [instant(run.ended_at) - at] : []
  })
}

/** Milliseconds since the epoch: SQLite stores a number and PostgreSQL a time. */
function instant(value: unknown): number {
  return new Date(value as number | Date).getTime()
}
