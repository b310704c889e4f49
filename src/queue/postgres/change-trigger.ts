import { statuses, transitions } from '../../task/lifecycle.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { exclusiveKey, holdKeys, KEY_SCOPE, literal, quote, refusals } from '../sql-fragments.ts'
import { idsOf, keyOf, nextAttempt } from './task-sql.ts'
import { ACTOR, refuse, type Trigger, wakeUp } from './trigger-sql.ts'

/**
 * Refuses what is illegal, or would take a task from its worker, and begins and ends the runs of other clients. Of the
 * statements of workers each does one look-up here: they take a task before they change it, and give it back before they
 * settle it. The condition is not in WHEN, which the server parses again for each statement: that took as long as the update.
 */
export function changed(queued: QueuedTable): Trigger {
  const { table, processor, exclusivity } = queued
  const messages = refusals(processor)
  const key = exclusivity.kind === 'column' ? quote(exclusivity.column) : undefined
  const isOtherKey = key && `old.${key} is distinct from new.${key}`
  const isRescheduled = columnNamed(table, 'run_at')
    ? `new.status = 'pending' and old.run_at is distinct from new.run_at`
    : undefined
  const watched = [
    'old.status is distinct from new.status',
    'old.id is distinct from new.id',
    isOtherKey,
    isRescheduled,
  ]
  return {
    suffix: 'changed',
    event: 'after update',
    each: 'for each row',
    declare: '  run bigint;\n',
    // The changes of workers return early, with few expressions.
    body: `if (${watched.filter(Boolean).join(' or ')}) is not true then return null; end if;
select o.run_id into run from ops_open o where o.scope = ${literal(table.name)} and o.what = old.id::text;
if found then
  -- A claim, which has taken the task before it changes it.
  if old.status = 'pending' and new.status = 'ongoing' and new.id = old.id${isOtherKey ? ` and not (${isOtherKey})` : ''} then return null; end if;
-- A settlement, which has ended the run before it changes the task.
elsif old.status = 'ongoing' and new.status::text in (${transitions.ongoing.map(literal).join(', ')}) then
  return null;
end if;
declare
  before text := old.status;
  after text := coalesce(new.status::text, 'null');
  own record;
  holder record;
begin
if run is not null and new.id is distinct from old.id then
  ${refuse(messages.changeId, 'old.id', 'old.id')}
end if;
${isOtherKey ? `if run is not null and ${isOtherKey} then\n  ${refuse(messages.changeKey, 'old.id', 'old.id')}\nend if;\n` : ''}\
if before = after then
  if run is null and after = 'pending' then ${wakeUp(table.name)} end if;
  return null;
end if;
if (${isLegal()}) is not true then
  ${refuse(messages.transition, 'old.id', `coalesce(before, 'null')`, 'after')}
end if;
if run is not null then
  select r.worker_id, r.exclusive_key into own from ops_runs r where r.id = run;
  if own.worker_id <> ${literal(FOREIGN_WRITER)} then
    ${refuse(messages.changeStatus, 'old.id', 'old.id')}
  end if;
${endRun(queued)}
elsif after = 'ongoing' then
${beginRun(queued)}
else
  insert into ops_events (task_table, task_id, task_key, event, from_status, to_status, actor)
  values (${literal(table.name)}, ${idsOf(table, 'new')}, case after when 'pending' then 'retried' else after end, before, after, ${ACTOR});
  if after = 'pending' then ${wakeUp(table.name)} end if;
end if;
end;
return null;`,
  }
}

/** Starts the run of a client other than ops: so every attempt has a run, and exclusivity applies to it too. */
function beginRun({ table, processor, exclusivity }: QueuedTable): string {
  const key = exclusiveKey(exclusivity, 'new')
  const attempt = nextAttempt(table, 'old')
  const messages = refusals(processor)
  const hold = `  select h.key, h.actor || coalesce(': ' || h.reason, '') as person into holder
  from ops_holds h where h.key in (${holdKeys(processor, exclusivity, key).join(', ')}) limit 1;
  if found then
    ${refuse(messages.onHold, 'new.id', 'holder.key', 'holder.person')}
  end if;`
  const free = `  select r.id, r.task_table, ${keyOf('r')} as task_key, r.exclusive_key into holder
  from ops_open o join ops_runs r on r.id = o.run_id where o.scope = '${KEY_SCOPE}' and o.what = ${key};
  if found then
    ${refuse(messages.keyTaken, 'new.id', 'holder.exclusive_key', 'holder.id', 'holder.task_table', 'holder.task_key')}
  end if;`
  return `${exclusivity.kind === 'none' ? '' : `${free}\n`}${hold}
  insert into ops_runs (task_table, task_id, task_key, attempt, worker_id, exclusive_key)
  values (${literal(table.name)}, ${idsOf(table, 'new')}, ${attempt}, ${literal(FOREIGN_WRITER)}, ${key}) returning id into run;
  insert into ops_open (scope, what, run_id) values (${literal(table.name)}, new.id::text, run);
${exclusivity.kind === 'none' ? '' : `  if ${key} is not null then insert into ops_open (scope, what, run_id) values ('${KEY_SCOPE}', ${key}, run); end if;`}`
}

/** Ends the run of a client other than ops, which it does by changing the status. */
function endRun({ table }: QueuedTable): string {
  return `  update ops_runs r set end_id = nextval('ops_sequence'), ended_at = clock_timestamp(),
    outcome = case after when 'pending' then 'returned' else after end,
    status_after = case after when 'pending' then after end, error = ${columnNamed(table, 'error') ? 'new.error' : 'null'},
    ended_by = ${ACTOR}
  where r.id = run and r.ended_at is null;
  if not found then
    -- Somebody else has ended the run, and left the task.
    insert into ops_events (task_table, task_id, task_key, event, from_status, to_status, actor)
    values (${literal(table.name)}, ${idsOf(table, 'new')}, case after when 'pending' then 'returned' else after end, before, after, ${ACTOR});
  end if;
  delete from ops_open o where o.scope = ${literal(table.name)} and o.what = old.id::text;
  delete from ops_open o where o.scope = '${KEY_SCOPE}' and o.what = own.exclusive_key and o.run_id = run;
  if after = 'pending' then ${wakeUp(table.name)} end if;`
}

/** A status that is none of the known ones has come past the triggers, and may be left for an end. */
function isLegal(): string {
  const ways = statuses
    .filter((from) => transitions[from].length > 0)
    .map((from) => `(before = '${from}' and after in (${transitions[from].map(literal).join(', ')}))`)
  const isUnknown = `before not in (${statuses.map(literal).join(', ')})`
  return [...ways, `(${isUnknown} and after in ('failed', 'canceled'))`].join(' or ')
}
