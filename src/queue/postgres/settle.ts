import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { quote } from '../sql-fragments.ts'
import { claims } from './claim.ts'
import { type Guarantee, guaranteeName, instants } from './task-sql.ts'

/** The SQLSTATE by which a settlement undoes what its statement has written. */
export const TAKEN_AWAY = 'OPS01'

/**
 * The function that settles a task if its run is still open; the trigger on the change of status ends the run. `written` is
 * the number of rows to which the statement has written the columns that the processor returned.
 */
export function settleFunction({ table }: QueuedTable): Guarantee {
  const has = (column: string) => columnNamed(table, column) !== undefined
  const at = instants(table, { finished_at: 'now()', run_at: `now() + coalesce(delay, interval '0')` })
  const name = guaranteeName(table, 'settle')
  const set = [
    'status = status_now',
    // The last note means nothing once the task is done.
    ...(has('progress') ? [`progress = case when new_status = 'succeeded' then 1 else t.progress end`] : []),
    ...(has('progress_note') ? [`progress_note = case when new_status <> 'succeeded' then t.progress_note end`] : []),
    ...(has('finished_at') ? [`finished_at = ${at.of('finished_at')}`] : []),
    ...(has('error') ? ['error = why'] : []),
    ...(has('run_at')
      ? [`run_at = case when new_status = 'pending' and delay is not null then ${at.of('run_at')} else t.run_at end`]
      : []),
    ...(has('attempt')
      ? [`attempt = case when new_status = 'pending' and gives_back then t.attempt - 1 else t.attempt end`]
      : []),
  ]
  const code = `create or replace function ${quote(name)}(
  run bigint, task text, new_status text, kind text, why text, delay interval, gives_back boolean, written bigint
) returns boolean language plpgsql as $ops$
#variable_conflict use_variable
declare
  asked text;
  worker text;
  task_id ${quote(table.name)}.id%type := task;
  status_now ${quote(table.name)}.status%type;
${at.declarations}begin
-- The lock first: an open run stays open while it is held, because ending a run changes the task.
perform 1 from ${quote(table.name)} t where t.id = task_id and t.status = 'ongoing' for no key update;
if found then
  select r.cancel_requested_by, r.worker_id into asked, worker from ops_runs r where r.id = run and r.ended_at is null;
end if;
if not found then
  if written > 0 then
    raise exception 'run % was taken away', run using errcode = '${TAKEN_AWAY}';
  end if;
  return false;
end if;
-- A task that is to be canceled is not tried again.
if new_status = 'pending' and asked is not null then
  why := 'canceled by ' || asked || '; before, it had ' || kind || ': ' || why;
  new_status := 'canceled';
  kind := 'canceled';
end if;
-- The trigger uses the status as the outcome, so only an outcome with another name is written here.
if kind <> new_status then
  update ops_runs r set outcome = kind, error = why where r.id = run;
end if;
if coalesce(current_setting('ops.actor', true), '') = '' then
  perform set_config('ops.actor', worker, true);
end if;
status_now := new_status;
update ${quote(table.name)} t set ${set.join(', ')} where t.id = task_id;
return true;
end
$ops$`
  return { kind: 'function', name, create: [code] }
}

/**
 * Settles a run and claims the next task. The claims use what the settlement returns, so they run after it; each table
 * is searched only if the ones before it have no task.
 *
 * @param keys the columns that the processor returned. They are written before the settlement, which changes the same
 *   row: a statement cannot change a row after a function that it calls has changed it
 */
export function settleStatement(table: TaskTable, keys: readonly string[], next: readonly QueuedTable[]): string {
  const first = next.length > 0 ? 9 : 8
  const set = keys.map((key, index) => `${quote(table.columns[key]!.name)} = $${first + 1 + index}`)
  const returned = `with returned as (
  update ${quote(table.name)} t set ${set.join(', ')} where t.id = $${first} and t.status = 'ongoing'
  and exists (select 1 from ops_runs r where r.id = $1 and r.ended_at is null) returning 1
)
`
  const hasOwn = keys.length > 0
  const settled = `${quote(guaranteeName(table, 'settle'))}(
  $1, $2, $3, $4, $5, $6::float8 * interval '1 millisecond', $7, ${hasOwn ? '(select count(*) from returned)' : '0'}
) s (held)`
  // A task that is tried again was not yet pending when the statement started.
  const rest = { worker: '$8', rest: 's.held', orElse: `$3 = 'pending'` }
  const claimed = next.length > 0 ? `\nleft join lateral (\n${claims(next, rest)}\nlimit 1\n) c on true` : ''
  return `${hasOwn ? returned : ''}select s.held${next.length > 0 ? ', c.place, c.claim' : ''} from ${settled}${claimed}`
}
