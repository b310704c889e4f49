import type { QueuedTable } from '../queue.ts'
import type { Guarantee } from './guarantees.ts'
import { instants } from './instants.ts'
import { guaranteeName } from './task-sql.ts'
import { columnNamed, quote } from './values.ts'

/** The condition by which a settlement takes back what the statement around it has written. */
export const TAKEN_AWAY = 'OPS01'

/**
 * The function that ends a run and its task where the run is still open; the trigger on the change of status does the
 * rest. `written` is how many rows the statement around it has given the columns that the processor returned.
 */
export function settleFunction({ table }: QueuedTable): Guarantee {
  const has = (column: string) => columnNamed(table, column) !== undefined
  const at = instants(table, { finished_at: 'now()', run_at: `now() + coalesce(delay, interval '0')` })
  const name = guaranteeName(table, 'settle')
  const set = [
    'status = status_now',
    // What a task was last at means nothing once it is done.
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
-- The lock first: under it a run that is open stays open, since whoever ends one changes the task.
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
-- A task whose end somebody asked for is not tried again.
if new_status = 'pending' and asked is not null then
  why := 'canceled by ' || asked || '; before, it had ' || kind || ': ' || why;
  new_status := 'canceled';
  kind := 'canceled';
end if;
-- The trigger takes the status for the outcome, so only an outcome of another name is written before.
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
