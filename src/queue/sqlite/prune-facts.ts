import type { TaskTable } from '../../task-table/task-table.ts'
import type { PruneFacts, PruneRow, Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Statements } from './statements.ts'

/** Milliseconds since the epoch, for a run that is open. */
const NEVER_ENDED = 8.64e15

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

/** What decides whether tasks may go, beside their rows. */
export function factsOf(
  statements: Statements,
  exact: Statements['sql'],
  table: TaskTable,
  rows: readonly PruneRow[],
  references: readonly Reference[],
): PruneFacts[] {
  const { name } = table
  const sql = (text: string) => statements.sql(text)
  // Those that are not in the list of runs yet; they are few.
  const latest = exact(
    `select task_id as id, max(coalesce(ended_at, ${NEVER_ENDED})) as at from ops_runs
     where id > (select run_id from ops_runs_listed) and task_table = ? group by task_id`,
  ).all(name) as { id: unknown; at: bigint }[]
  const unlisted = new Map(latest.map(({ id, at }) => [String(id), Number(at)]))
  const isOpen = sql('select 1 from ops_open where scope = ? and what = ?')
  const happened = sql(`select max(
    coalesce((select max(at) from ops_events where task_table = @table and task_id = @id), 0),
    coalesce((select max(coalesce(r.ended_at, ${NEVER_ENDED})) from ops_runs_of_task k join ops_runs r on r.id = k.run_id
      where k.task_table = @table and k.task_id = @id), 0))`).pluck()
  const tick = sql('select 1 from ops_schedules where task_table = ? and task_id = ? limit 1')
  const referring = references.map((reference) => ({ ...reference, find: exact(referrersOf(name, reference)) }))
  return rows.map(({ raw }) => ({
    happenedAt: Math.max(happened.get({ table: name, id: raw }) as number, unlisted.get(String(raw)) ?? 0),
    hasOpenRun: isOpen.get(name, raw) !== undefined,
    referrers: [
      ...referring.flatMap(({ table: child, isTaskTable, find }) =>
        (find.all(raw) as { id: unknown }[]).map(({ id }) => ({
          table: child,
          ...(isTaskTable && { id: String(id) }),
        })),
      ),
      ...(tick.get(name, raw) === undefined ? [] : [{ table: 'ops_schedules' }]),
    ],
  }))
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
