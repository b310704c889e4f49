import type { TaskTable } from '../../task-table/task-table.ts'
import type { PruneFacts, PruneRow, Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Statements } from './statements.ts'

/** Milliseconds since the epoch, for a run that is open. */
export const NEVER_ENDED = 8.64e15

export interface PruneStatements extends Statements {
  /** Reads whole numbers as bigints. */
  readonly exact: Statements['sql']
}

/** What names the tasks of a table. */
export function referencesTo(statements: Statements, table: TaskTable, all: readonly QueuedTable[]): Reference[] {
  const keys = statements
    .sql(
      `select m.name as child, f.id, f."from", coalesce(f."to", 'id') as target
       from sqlite_master m, pragma_foreign_key_list(m.name) f
       where m.type = 'table' and f."table" = ? collate nocase order by m.name, f.id, f.seq`,
    )
    .all(table.name) as { child: string; id: number; from: string; target: string }[]
  const declared = Map.groupBy(keys, ({ child, id }) => `${child} ${id}`).values()
  return [
    ...[...declared].map((parts) => ({
      table: parts[0]!.child,
      columns: parts.map(({ from, target }) => [from, target] as const),
      isTaskTable: all.some((queued) => queued.table.name === parts[0]!.child),
      isPrerequisite: false,
    })),
    ...all.flatMap((queued) =>
      queued.after
        .filter((prerequisite) => prerequisite.table === table.name)
        .map(({ column }) => ({
          table: queued.table.name,
          columns: [[column, 'id'] as const],
          isTaskTable: true,
          isPrerequisite: true,
        })),
    ),
  ]
}

/** What decides whether tasks may go, beside their rows and their history. */
export function factsOf(
  { exact }: PruneStatements,
  table: TaskTable,
  rows: readonly PruneRow[],
  references: readonly Reference[],
  happenedAt: (row: PruneRow) => number,
): PruneFacts[] {
  const { name } = table
  // Few at any time.
  const listed = (text: string) => new Set((exact(text).all(name) as { id: unknown }[]).map(({ id }) => String(id)))
  const open = listed('select what as id from ops_open where scope = ?')
  const ticks = listed('select task_id as id from ops_schedules where task_table = ?')
  const referring = references.map((reference) => ({ ...reference, find: exact(referrersOf(name, reference)) }))
  return rows.map((row) => ({
    happenedAt: happenedAt(row),
    hasOpenRun: open.has(String(row.raw)),
    referrers: [
      ...referring.flatMap(({ table: child, isTaskTable, find }) =>
        (find.all(row.raw) as { id: unknown }[]).map(({ id }) => ({
          table: child,
          ...(isTaskTable && { id: String(id) }),
        })),
      ),
      ...(ticks.has(String(row.raw)) ? [{ table: 'ops_schedules' }] : []),
    ],
  }))
}

/** When something about a task happened last, by its history. */
export function lastEvents({ sql, exact }: PruneStatements, table: TaskTable): (row: PruneRow) => number {
  // Those that are not in the list of runs yet; they are few.
  const latest = exact(
    `select task_id as id, max(coalesce(ended_at, ${NEVER_ENDED})) as at from ops_runs
     where id > (select run_id from ops_runs_listed) and task_table = ? group by task_id`,
  ).all(table.name) as { id: unknown; at: bigint }[]
  const unlisted = new Map(latest.map(({ id, at }) => [String(id), Number(at)]))
  const happened = sql(`select max(
    coalesce((select max(at) from ops_events where task_table = @table and task_id = @id), 0),
    coalesce((select max(coalesce(r.ended_at, ${NEVER_ENDED})) from ops_runs_of_task k join ops_runs r on r.id = k.run_id
      where k.task_id = @id and r.task_table = @table), 0)) as at`)
  return ({ raw }) =>
    Math.max((happened.get({ table: table.name, id: raw }) as { at: number }).at, unlisted.get(String(raw)) ?? 0)
}

/** Up to a hundred rows that name a task. One that names itself goes with itself. */
function referrersOf(table: string, { table: child, columns, isTaskTable, isPrerequisite }: Reference): string {
  const on = columns.map(([from, to]) => `c.${quote(from)} = t.${quote(to)}`)
  const conditions = [
    't.id = ?',
    ...on,
    ...(isPrerequisite ? [`c.status in ('pending', 'ongoing')`] : []),
    ...(child === table ? ['c.id is not t.id'] : []),
  ]
  return `select ${isTaskTable ? 'c.id' : 'null as id'} from ${quote(table)} t cross join ${quote(child)} c where ${conditions.join(' and ')} limit 100`
}
