import type { SettledStatus } from '../../task/lifecycle.ts'
import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { PrunedTask } from '../prune.ts'
import type { PruneRow } from '../prune-decisions.ts'
import { quote } from '../sql-fragments.ts'
import { exactId } from './claim.ts'
import { NEVER_ENDED, type PruneStatements } from './prune-facts.ts'
import { millisecondsOf } from './values.ts'

type Row = Record<string, unknown>

export interface FoundTask {
  readonly row: PruneRow
  /** When something about it happened last. */
  readonly happenedAt: number
  readonly task: PrunedTask
}

const RUNS = `ops_pruning p cross join ops_runs_of_task k on k.task_id = p.task_id
cross join ops_runs r on r.id = k.run_id and r.task_table = p.task_table`
const EVENTS = 'ops_pruning p cross join ops_events e on e.task_table = p.task_table and e.task_id = p.task_id'

/** The tasks in ops_pruning with their history. All runs are listed by their task. */
export function readTasks({ exact }: PruneStatements, table: TaskTable): FoundTask[] {
  const { name } = table
  const tasks = exact(
    `select * from ${quote(name)} where id in (select task_id from ops_pruning) order by id`,
  ).all() as Row[]
  const runs = grouped(exact(`select r.* from ${RUNS} order by r.id`).all() as Row[])
  const events = grouped(exact(`select e.* from ${EVENTS} order by e.id`).all() as Row[])
  return tasks.map((task) => {
    const row = toRow(table, task)
    const own = { runs: runs.get(String(task.id)) ?? [], events: events.get(String(task.id)) ?? [] }
    const times = [...own.runs.map(({ ended_at }) => ended_at ?? NEVER_ENDED), ...own.events.map(({ at }) => at)]
    const settled = { status: row.status as SettledStatus, settledAt: row.settledAt ?? row.createdAt }
    return {
      row,
      happenedAt: Math.max(0, ...times.map(Number)),
      task: {
        ...{ id: row.id, ...settled, runs: own.runs.length, events: own.events.length },
        attempts: [...new Set(own.runs.map(({ attempt }) => Number(attempt)))],
        line: JSON.stringify({ table: name, task, ...own }, exactJson),
      },
    }
  })
}

/** Deletes the tasks in ops_pruning with their history. */
export function deleteTasks({ sql }: PruneStatements, table: TaskTable): void {
  const next = sql('select id as next from ops_next')
  const { next: before } = next.get() as { next: number }
  // The end of a run that stays was found by the one that followed it.
  sql(`insert into ops_ends (id, run_id) select f.end_id, f.id from ${RUNS} cross join ops_runs f on f.id = r.follows
    where not exists (select 1 from ops_pruning q where q.task_table = f.task_table and q.task_id = f.task_id)`).run()
  sql(`delete from ops_ends where id in (select r.end_id from ${RUNS})`).run()
  sql(`delete from ops_runs where id in (select r.id from ${RUNS})`).run()
  sql(`delete from ops_runs_of_task where task_id in (select task_id from ops_pruning)
    and not exists (select 1 from ops_runs r where r.id = run_id)`).run()
  sql(`delete from ops_events where id in (select e.id from ${EVENTS})`).run()
  sql(`delete from ${quote(table.name)} where id in (select task_id from ops_pruning)`).run()
  // A number is never given twice.
  if ((next.get() as { next: number }).next < before)
    sql('insert into ops_ends (id, run_id) values (?, 0)').run(before - 1)
}

function grouped(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, ({ task_id }) => String(task_id))
}

export function columnsOf(table: TaskTable): string {
  return columnNamed(table, 'finished_at') ? 'id, status, created_at, finished_at' : 'id, status, created_at'
}

export function toRow(table: TaskTable, row: Row): PruneRow {
  const at = (name: string) => {
    const value = typeof row[name] === 'bigint' ? Number(row[name]) : row[name]
    const column = columnNamed(table, name)
    const time = column === undefined || value === null ? Number.NaN : millisecondsOf(column, value)
    return Number.isNaN(time) ? undefined : new Date(time)
  }
  const settledAt = at('finished_at')
  return {
    raw: row.id,
    id: exactId(row.id as bigint | string),
    status: row.status as PruneRow['status'],
    settledAt,
    // Nobody knows: then it is never old enough.
    createdAt: at('created_at') ?? new Date(8.64e15),
  }
}

/** Whole numbers as they are, and bytes as text. */
function exactJson(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return exactId(value)
  // `toJSON` has made an object of it.
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown }
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]).toString('base64') : value
}
