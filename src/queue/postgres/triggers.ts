import { statuses, transitions } from '../../task/lifecycle.ts'
import { columnNamed } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { FOREIGN_WRITER } from '../records.ts'
import { exclusiveKey, holdKeys, literal, quote, refusals } from '../sql-fragments.ts'
import { type Guarantee, guaranteeName, idsOf } from './task-sql.ts'

interface Trigger {
  readonly suffix: string
  readonly event: string
  readonly each: string
  readonly declare?: string
  readonly body: string
}

/**
 * Refusals, the audit trail, the runs of other clients, and the wake-up. They run after the change where possible, to see
 * what the application's own triggers have made of it: a refusal still undoes the statement.
 */
export function triggers(queued: QueuedTable, schema: string): Guarantee[] {
  const all = [beginsPending(queued), inserted(queued), changed(queued), deleted(queued), truncated(queued)]
  return all.map((trigger) => withFunction(queued, trigger, schema))
}

function withFunction({ table }: QueuedTable, trigger: Trigger, schema: string): Guarantee {
  const name = guaranteeName(table, trigger.suffix)
  // With the rights of the user who migrated: a program that writes tasks needs no access to ops' own tables.
  const code = `create or replace function ${quote(name)}() returns trigger language plpgsql
security definer set search_path = ${quote(schema)}, pg_temp as $ops$
#variable_conflict use_variable
declare
  actor text := coalesce(nullif(current_setting('ops.actor', true), ''), session_user::text);
${trigger.declare ?? ''}begin
${trigger.body}
end
$ops$`
  const sql = `create trigger ${quote(name)} ${trigger.event} on ${quote(table.name)}
${trigger.each} execute function ${quote(name)}()`
  return { kind: 'trigger', name, create: [code, sql] }
}

function beginsPending({ processor }: QueuedTable): Trigger {
  return {
    suffix: 'begins_pending',
    event: 'before insert',
    each: `for each row when (new.status is distinct from 'pending')`,
    body: refuse(refusals(processor).insert, `coalesce(new.status::text, 'null')`),
  }
}

function inserted({ table }: QueuedTable): Trigger {
  return {
    suffix: 'inserted',
    event: 'after insert',
    each: 'referencing new table as added for each statement',
    body: `insert into ops_audit (task_table, task_id, task_key, event, to_status, actor)
select ${literal(table.name)}, ${idsOf(table, 'added')}, 'enqueued', added.status::text, actor from added;
if found then ${wakeUp(table.name)} end if;
return null;`,
  }
}

function changed(queued: QueuedTable): Trigger {
  const { table, processor } = queued
  const messages = refusals(processor)
  const error = columnNamed(table, 'error') ? 'new.error' : 'null'
  const isRescheduled = columnNamed(table, 'run_at')
    ? ` or (new.status = 'pending' and old.run_at is distinct from new.run_at)`
    : ''
  const isOpenRun = `r.task_table = ${literal(table.name)} and r.task_key = new.id::text and r.ended_at is null`
  return {
    suffix: 'changed',
    event: 'after update',
    each: `for each row when (old.status is distinct from new.status or old.id is distinct from new.id${isRescheduled})`,
    declare: `  before text := old.status;
  after text := coalesce(new.status::text, 'null');
  event text;
  run bigint;
  outcome text;
  why text;
  detail jsonb;
  holder record;
`,
    body: `-- The open run refers to the task by its id, and could not be settled any more.
if before = 'ongoing' and new.id is distinct from old.id then
  ${refuse(messages.changeId, 'old.id', 'old.id')}
end if;
if before = after then
  ${wakeUp(table.name)}
  return null;
end if;
if (${isLegal()}) is not true then
  ${refuse(messages.transition, 'old.id', 'before', 'after')}
end if;
if after = 'ongoing' then
  event := 'started';
  select r.id into run from ops_runs r where ${isOpenRun};
  if not found then
${beginRun(queued)}
  end if;
elsif before = 'ongoing' then
  event := case after when 'pending' then 'returned' else after end;
  update ops_runs r set ended_at = clock_timestamp(), outcome = coalesce(r.outcome, event), error = coalesce(r.error, ${error})
  where ${isOpenRun}
  returning r.id, r.outcome, r.error into run, outcome, why;
  -- The outcome of a run says more than the status that follows from it.
  if outcome <> event then
    detail := jsonb_build_object('outcome', outcome, 'error', why);
  elsif after = 'failed' and ${error} is not null then
    detail := jsonb_build_object('error', ${error});
  end if;
else
  event := case after when 'pending' then 'retried' else after end;
end if;
insert into ops_audit (task_table, task_id, task_key, run_id, event, from_status, to_status, actor, detail)
values (${literal(table.name)}, ${idsOf(table, 'new')}, run, event, before, after, actor, detail);
if after = 'pending' then ${wakeUp(table.name)} end if;
return null;`,
  }
}

/** Starts the run of a client other than ops: so every attempt has a run, and exclusivity applies to it too. */
function beginRun({ table, processor, exclusivity }: QueuedTable): string {
  const key = exclusiveKey(exclusivity, 'new')
  const attempt = columnNamed(table, 'attempt') ? 'coalesce(old.attempt, 0) + 1' : '1'
  const messages = refusals(processor)
  return `    select r.id, r.task_table, r.task_key, r.exclusive_key into holder
    from ops_runs r where r.ended_at is null and r.exclusive_key = ${key};
    if found then
      ${refuse(messages.keyTaken, 'new.id', 'holder.exclusive_key', 'holder.id', 'holder.task_table', 'holder.task_key')}
    end if;
    select h.key, h.actor || coalesce(': ' || h.reason, '') as person into holder
    from ops_holds h where h.key in (${holdKeys(processor, exclusivity, key).join(', ')}) limit 1;
    if found then
      ${refuse(messages.onHold, 'new.id', 'holder.key', 'holder.person')}
    end if;
    insert into ops_runs (task_table, task_id, task_key, attempt, worker_id, exclusive_key)
    values (${literal(table.name)}, ${idsOf(table, 'new')}, ${attempt}, ${literal(FOREIGN_WRITER)}, ${key}) returning id into run;`
}

function deleted({ table, processor }: QueuedTable): Trigger {
  return {
    suffix: 'deleted',
    event: 'after delete',
    each: 'for each row',
    body: `if old.status = 'ongoing' then
  ${refuse(refusals(processor).delete, 'old.id', 'old.id')}
end if;
insert into ops_audit (task_table, task_id, task_key, event, from_status, actor)
values (${literal(table.name)}, ${idsOf(table, 'old')}, 'deleted', old.status::text, actor);
return null;`,
  }
}

function truncated({ table, processor }: QueuedTable): Trigger {
  return {
    suffix: 'truncated',
    event: 'before truncate',
    each: 'for each statement',
    body: `if exists (select 1 from ops_runs r where r.task_table = ${literal(table.name)} and r.ended_at is null) then
  ${refuse(refusals(processor).truncate, literal(table.name))}
end if;
insert into ops_audit (task_table, event, actor) values (${literal(table.name)}, 'truncated', actor);
return null;`,
  }
}

function refuse(message: string, ...values: string[]): string {
  const text = `format(${[literal(message), ...values].join(', ')})`
  return `raise exception using message = ${text}, errcode = 'check_violation', table = tg_table_name, constraint = tg_name;`
}

/** Names the table, so that only its workers wake up. */
function wakeUp(table: string): string {
  return `perform pg_notify('ops', ${literal(table)});`
}

function isLegal(): string {
  return statuses
    .filter((from) => transitions[from].length > 0)
    .map((from) => `(before = '${from}' and after in (${transitions[from].map(literal).join(', ')}))`)
    .join(' or ')
}
