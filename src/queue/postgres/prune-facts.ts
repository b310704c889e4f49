import type { TaskTable } from '../../task-table/task-table.ts'
import type { PruneFacts, PruneRow, Reference } from '../prune-decisions.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import type { Session } from './session.ts'
import { hasNumbers } from './task-sql.ts'

/** The tables in which a foreign key names this one, with the columns of each key. */
const FOREIGN_KEYS = `select c.conrelid::regclass::text as child, child.names as child_columns, parent.names as parent_columns,
  (select relname::text from pg_class where oid = c.conrelid) as name
from pg_constraint c
cross join lateral (select array_agg(a.attname::text order by k.place) as names from unnest(c.conkey) with ordinality k (number, place)
  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number) child
cross join lateral (select array_agg(a.attname::text order by k.place) as names from unnest(c.confkey) with ordinality k (number, place)
  join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.number) parent
where c.contype = 'f' and c.confrelid = to_regclass($1) order by 1`

/** What names the tasks of a table. */
export async function referencesTo(
  session: Session,
  table: TaskTable,
  all: readonly QueuedTable[],
): Promise<Reference[]> {
  const rows = await session.query(FOREIGN_KEYS, [quote(table.name)])
  return [
    ...rows.map((row) => ({
      table: row.child as string,
      columns: (row.child_columns as string[]).map((from, index) => [from, row.parent_columns[index]] as const),
      isTaskTable: all.some((queued) => queued.table.name === row.name),
      isPrerequisite: false,
    })),
    ...all.flatMap((queued) =>
      queued.after
        .filter((prerequisite) => prerequisite.table === table.name)
        .map(({ column }) => ({
          table: quote(queued.table.name),
          columns: [[column, 'id'] as const],
          isTaskTable: true,
          isPrerequisite: true,
        })),
    ),
  ]
}

/** What decides whether tasks may go, beside their rows. */
export async function factsOf(
  session: Session,
  table: TaskTable,
  rows: readonly PruneRow[],
  references: readonly Reference[],
): Promise<PruneFacts[]> {
  if (rows.length === 0) return []
  const keys = rows.map(({ id }) => String(id))
  const bound = [table.name, keys]
  const [id, ids] = hasNumbers(table) ? ['task_id', '$2::bigint[]'] : ['task_key', '$2']
  const of = (column: string, from: string) =>
    session.query(
      `select ${id}::text as key, max(${column}) as at from ${from} where task_table = $1 and ${id} = any(${ids}) group by ${id}`,
      bound,
    )
  const events = await of('at', 'ops_events')
  const runs = await of(`coalesce(ended_at, 'infinity')`, 'ops_runs')
  const open = await session.query(`select what as key from ops_open where scope = $1 and what = any($2)`, bound)
  const ticks = await session.query(
    `select ${id}::text as key from ops_schedules where task_table = $1 and ${id} = any(${ids})`,
    bound,
  )
  const referrers = Map.groupBy(
    ticks.map(({ key }) => ({ key, table: 'ops_schedules' }) as { key: string; table: string; id?: string }),
    ({ key }) => key,
  )
  for (const reference of references) {
    const named = await session.query(referrersOf(table, reference), [rows.map(({ raw }) => raw)])
    for (const { key, name, id } of named) {
      const referrer = { key, table: name, ...(reference.isTaskTable && { id }) }
      referrers.set(key, [...(referrers.get(key) ?? []), referrer])
    }
  }
  const happened = new Map<string, number>()
  for (const { key, at } of [...events, ...runs]) {
    // The driver has infinity as a number.
    happened.set(key, Math.max(happened.get(key) ?? 0, at instanceof Date ? at.getTime() : Number.POSITIVE_INFINITY))
  }
  const isOpen = new Set(open.map(({ key }) => key))
  return keys.map((key) => ({
    happenedAt: happened.get(key) ?? 0,
    hasOpenRun: isOpen.has(key),
    referrers: referrers.get(key) ?? [],
  }))
}

/** The rows that name tasks. One that names itself goes with itself. */
function referrersOf(table: TaskTable, { table: child, columns, isTaskTable, isPrerequisite }: Reference): string {
  const on = columns.map(([from, to]) => `c.${quote(from)} = t.${quote(to)}`)
  const conditions = [
    't.id = any($1)',
    ...on,
    `(c.tableoid <> t.tableoid or c.ctid <> t.ctid)`,
    ...(isPrerequisite ? [`c.status::text in ('pending', 'ongoing')`] : []),
  ]
  return `select t.id::text as key, (select relname::text from pg_class where oid = c.tableoid) as name,
  ${isTaskTable ? 'c.id::text' : 'null'} as id
from ${quote(table.name)} t join ${child} c on true where ${conditions.join(' and ')}`
}
