import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queue.ts'
import { claimOrder, exclusiveKey, isKeyTaken, KEY_SCOPE, literal, quote } from '../sql-fragments.ts'
import { GATE } from './gate.ts'
import {
  type Guarantee,
  guaranteeName,
  type Instants,
  idsOf,
  instants,
  isHeld,
  keyOf,
  nextAttempt,
  rowAsJson,
} from './task-sql.ts'

/** How many tasks are looked at in order. If all of them wait for busy keys, the first task of each key is looked at. */
const FIRST_TASKS = 50

/** After a lost race for a key there may be another task. After so many lost races, the next poll finds it. */
const CLAIM_RETRIES = 10

/** Each statement with one row of one table: steps of a larger one take the server longer. */
const TAKE_KEY = `if candidate.key is not null then
  insert into ops_open (scope, what, run_id) values ('${KEY_SCOPE}', candidate.key, run) on conflict do nothing;
  -- Another worker has taken it since the look-up.
  if not found then run := null; continue; end if;
end if;
`

/**
 * The function that starts the run of the first task that may run; returns at most one row of JSON. As a function it needs
 * no round trip, and sees what the settlement before it in the same statement has freed. With `begun` it returns the task
 * of a run that was started before, if the answer was lost with the connection.
 */
export function claimFunction(queued: QueuedTable): Guarantee {
  const { table, exclusivity, after } = queued
  const has = (column: string) => columnNamed(table, column) !== undefined
  const now = claimInstants(queued)
  const name = guaranteeName(table, 'claim')
  const hasKey = exclusivity.kind !== 'none'
  const filled = [
    `status = 'ongoing'`,
    ...(has('started_at') ? [`started_at = ${now.of('started_at')}`] : []),
    ...(has('attempt') ? [`attempt = ${nextAttempt(table, 't')}`] : []),
    ...['finished_at', 'error', 'progress', 'progress_note'].filter(has).map((column) => `${column} = null`),
  ]
  const [first, ...others] = candidates(queued, now)
  const look = [
    `${first} into candidate;`,
    ...others.map((other) => `if not found then\n${other} into candidate;\nend if;`),
  ]
  const code = `create or replace function ${quote(name)}(
  worker text, timeout interval, settled boolean default null, begun bigint default null
) returns setof json language plpgsql as $ops$
#variable_conflict use_variable
declare
  candidate record;
  task record;
  run bigint := begun;
  attempt integer;
  started timestamptz;
  deadline timestamptz;
  known text;
  unmet json;
  unmet_status text;
  task_id ${quote(table.name)}.id%type;
${now.declarations}begin
if begun is not null then
  select r.attempt, r.deadline_at, ${keyOf('r')} into attempt, deadline, known from ops_runs r
  where r.id = begun and r.task_table = ${literal(table.name)} and r.ended_at is null;
  if not found then return; end if;
  task_id := known;
  select t.* into task from ${quote(table.name)} t where t.id = task_id;
else
for look in 1..${CLAIM_RETRIES} loop
${look.join('\n')}
if not found then return; end if;
run := nextval('ops_sequence');
${hasKey ? TAKE_KEY : ''}insert into ops_open (scope, what, run_id) values (${literal(table.name)}, candidate.id::text, run);
exit;
end loop;
if run is null then return; end if;
attempt := candidate.attempt;
started := clock_timestamp();
deadline := started + timeout;
insert into ops_runs (id, task_table, task_id, task_key, attempt, worker_id, exclusive_key, started_at, deadline_at)
values (run, ${literal(table.name)}, ${idsOf(table, 'candidate')}, attempt, worker, ${hasKey ? 'candidate.key' : 'null'}, started, deadline);
update ${quote(table.name)} t set ${filled.join(', ')} where t.id = candidate.id returning t.* into task;
end if;
${after.map(findUnmet).join('')}return next json_build_object(
  'run', run, 'task', task.id::text, 'attempt', attempt, 'deadline', deadline, 'unmet', unmet,
  'row', ${rowAsJson(table, 'task')}
);
end
$ops$`
  return { kind: 'function', name, create: [code] }
}

export function claimInstants({ table }: QueuedTable): Instants {
  return instants(table, { run_at: 'now()', started_at: 'now()' })
}

function findUnmet({ column, table }: QueuedTable['after'][number]): string {
  const reference = `task.${quote(column)}`
  return `if unmet is null and ${reference} is not null then
  select p.status into unmet_status from ${quote(table)} p where p.id = ${reference};
  if unmet_status is distinct from 'succeeded' then
    unmet := json_build_object('table', ${literal(table)}, 'id', ${reference}, 'status', unmet_status);
  end if;
end if;
`
}

/**
 * The statements that search for a task, each used if the one before finds none. They lock what they find, skip what another
 * worker has locked, and check the status again under the lock. The status is a literal in each: with a bound one, the
 * planner does not use the partial index.
 */
export function candidates(queued: QueuedTable, now: Instants = claimInstants(queued)): string[] {
  const { processor, table, exclusivity, after } = queued
  const name = quote(table.name)
  const order = claimOrder(table)
  const isPending = `t.status = 'pending'`
  const hasRunAt = columnNamed(table, 'run_at') !== undefined
  const isDue = hasRunAt ? `${isPending} and t.run_at <= ${now.of('run_at')}` : isPending
  const claimed = (row: string) =>
    [`${row}.id`, `${nextAttempt(table, row)} as attempt`, `${exclusiveKey(exclusivity, row)} as key`].join(', ')
  const isFree = (row: string) => {
    const key = exclusiveKey(exclusivity, row)
    return [
      // A task that has an open run and is pending all the same was changed past the triggers.
      `not exists (select 1 from ops_open o where o.scope = ${literal(table.name)} and o.what = ${row}.id::text)`,
      ...(exclusivity.kind === 'none' ? [] : [`not ${isKeyTaken(key)}`]),
      `not ${isHeld(processor, exclusivity, key)}`,
    ].join(' and ')
  }
  // If the reference is null, there is nothing to wait for.
  const isReady = after
    .map((each) => {
      const isOne = `p.id = t.${quote(each.column)} and p.status in ('pending', 'ongoing')`
      return ` and not exists (select 1 from ${quote(each.table)} p where ${isOne})`
    })
    .join('')
  if (exclusivity.kind !== 'column') {
    return [
      `select ${claimed('t')} from ${name} t where ${isDue} and ${isFree('t')}${isReady}
order by ${order} limit 1 for no key update of t skip locked`,
    ]
  }
  const column = `t.${quote(exclusivity.column)}`
  const needed = [...order.split(', ').map((each) => `t.${each}`), column].join(', ')
  // Of the rows of a query only those with a free key are locked, one by one, until one is not locked yet.
  const firstFree = (rows: string) => `select l.* from (\n${rows}\n) t cross join lateral (
  select ${claimed('l')} from ${name} l where l.id = t.id and l.status = 'pending' and ${isFree('l')} for no key update skip locked
) l limit 1`
  const firstWith = (condition: string) =>
    `(select ${needed} from ${name} t where ${isPending} and ${condition}${isReady} order by ${column}, ${order} limit 1)`
  // A range instead of an equality, for which the planner may walk the index of all due tasks and filter out those of
  // every other key. The pair ends the range at tasks that are not due yet.
  const ofKey = hasRunAt
    ? `${column} >= keys.value and (${column}, t.run_at) <= (keys.value, ${now.of('run_at')})`
    : `${column} >= keys.value and ${column} <= keys.value`
  const ofNone = `${column} is null${hasRunAt ? ` and t.run_at <= ${now.of('run_at')}` : ''}`
  const nextKey = (condition: string) =>
    `(select ${column} from ${name} t where ${isPending} and ${column} ${condition} order by ${column} limit 1)`
  return [
    firstFree(`  select ${needed} from ${name} t where ${isDue}${isReady} order by ${order} limit ${FIRST_TASKS}`),
    // Walks the keys instead of the tasks: a million waiting tasks cost as much as one.
    `with recursive keys (value) as (
  ${nextKey('is not null')}
  union all
  select ${nextKey('> keys.value')} from keys where keys.value is not null
), first as (
  select t.* from keys cross join lateral ${firstWith(ofKey)} t
  union all
  ${firstWith(ofNone)}
)
${firstFree(`  select t.id from first t order by ${order}`)}`,
  ]
}

/**
 * Claims the first task that may run: `$1` is the worker, `$2` a run that it started without getting the answer, or null.
 * Without a gate it returns a row without a place.
 */
export function claimStatement(tables: readonly QueuedTable[]): string {
  const rest = { worker: '$1', rest: 'null, $2', orElse: '$2::bigint is not null' }
  return `with ${GATE}
select place, claim from (
${claims(tables, rest)} union all
  select null, null from gate where not is_open
) c limit 1`
}

/**
 * Calling a function costs time even if it finds nothing, so it is called only if the table has a pending task at all, or
 * `orElse` holds.
 */
export function claims(
  tables: readonly QueuedTable[],
  { worker, rest, orElse, onlyIf }: { worker: string; rest: string; orElse: string; onlyIf?: string },
): string {
  const only = onlyIf === undefined ? '' : `${onlyIf} and `
  return tables
    .map(({ table, timeout }, place) => {
      const within = timeout === undefined ? 'null' : literal(`${timeout} milliseconds`)
      const claim = `${quote(guaranteeName(table, 'claim'))}(${worker}, ${within}, ${rest})`
      const isAny = `exists (select 1 from ${quote(table.name)} where status = 'pending')`
      return `  select ${place} as place, claim from ${claim} claim where ${only}(${isAny} or ${orElse}) and (select is_open from gate)`
    })
    .join(' union all\n')
}
