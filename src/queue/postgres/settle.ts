import { columnNamed, type TaskTable } from '../../task-table/task-table.ts'
import type { QueuedTable } from '../queued-table.ts'
import { KEY_SCOPE, literal, quote } from '../sql-fragments.ts'
import { claims } from './claim.ts'
import { GATE_OF_NEXT } from './gate.ts'
import { type Guarantee, guaranteeName, hasNumbers, instants } from './task-sql.ts'

/**
 * The function that ends a run, if it is open, and settles its task. `names` and `returned` are the columns that the
 * processor returned. A task that is to be canceled is not made pending: then nothing is written, and `asked` is who asked.
 */
export function settleFunction({ table }: QueuedTable): Guarantee {
  const name = guaranteeName(table, 'settle')
  const scope = literal(table.name)
  const at = instants(table, { finished_at: 'now()', run_at: `now() + coalesce(delay, interval '0')` })
  const variables = ['status_now', 'new_status', 'why', 'delay', 'gives_back', at.of('finished_at'), at.of('run_at')]
  const isNumber = hasNumbers(table)
  const code = `create or replace function ${quote(name)}(
  run bigint, task text, new_status text, kind text, why text, delay interval, gives_back boolean, actor text,
  names text[], returned text[], out held boolean, out asked text, out diverged json
) language plpgsql as $ops$
#variable_conflict use_variable
declare
  key text;
  changed bigint;
  -- A follower of the audit waits for the transactions that have begun before a number that it misses, so this one begins
  -- before it takes a number.
  transaction xid8 := pg_current_xact_id();
  task_id ${quote(table.name)}.id%type := task;
  status_now ${quote(table.name)}.status%type := new_status;
${at.declarations}begin
held := false;
if new_status = 'pending' then
  select r.cancel_requested_by into asked from ops_open o join ops_runs r on r.id = o.run_id
  where o.scope = ${scope} and o.what = task and o.run_id = run for update;
  if asked is not null then return; end if;
end if;
-- The fence: a run that was taken away has ended.
update ops_runs r set end_id = nextval('ops_sequence'), ended_at = clock_timestamp(), outcome = kind,
  status_after = nullif(new_status, kind), error = why, ended_by = actor
where r.id = run and r.ended_at is null and r.task_table = ${scope} returning r.exclusive_key into key;
if not found then return; end if;
held := true;
delete from ops_open o where o.scope = ${scope} and o.what = task and o.run_id = run;
if key is not null then
  delete from ops_open o where o.scope = '${KEY_SCOPE}' and o.what = key and o.run_id = run;
end if;
loop
  if names is null then
    update ${quote(table.name)} t set ${settled(table, variables)} where t.id = task_id and t.status = 'ongoing';
  else
    -- The columns differ from outcome to outcome. As texts they are read as their types read them.
    execute format(
      ${literal(
        `update ${quote(table.name).replaceAll('%', '%%')} t set ${settled(
          table,
          variables.map((_, index) => `$${index + 1}`),
        ).replaceAll('%', '%%')}, %s where t.id = $${variables.length + 1} and t.status = 'ongoing'`,
      )},
      (select string_agg(format('%I = %L', c.name, c.value), ', ') from unnest(names, returned) c (name, value))
    ) using ${[...variables, 'task_id'].join(', ')};
  end if;
  get diagnostics changed = row_count;
  exit when changed > 0 or diverged is not null;
  -- Somebody has changed or deleted it past the triggers. One that was made pending would run again: it becomes what the
  -- run has made of it, and is ongoing first, as at its start, so that the triggers refuse nothing if they are back.
  select json_build_object('found', t.status::text, 'status', t.status::text) into diverged
  from ${quote(table.name)} t where t.id = task_id;
  diverged := coalesce(diverged, '{}');
  exit when diverged->>'found' is distinct from 'pending';
  insert into ops_open (scope, what, run_id) values (${scope}, task, run) on conflict do nothing;
  exit when not found;
  diverged := json_build_object('found', 'pending', 'status', new_status);
  update ${quote(table.name)} t set status = 'ongoing' where t.id = task_id;
  delete from ops_open o where o.scope = ${scope} and o.what = task and o.run_id = run;
end loop;
if diverged is not null then
  insert into ops_events (task_table, task_id, task_key, run_id, event, from_status, to_status, actor, detail)
  values (${scope}, ${isNumber ? 'task_id, null' : 'null, task'}, run, 'diverged',
    case when diverged->>'status' <> new_status then new_status end, nullif(diverged->>'status', new_status),
    coalesce(actor, (select r.worker_id from ops_runs r where r.id = run)),
    jsonb_build_object('status', diverged->>'found')
      || case when diverged->>'status' <> diverged->>'found' then jsonb_build_object('set', new_status) else '{}' end);
end if;
if new_status = 'pending' and changed > 0 then
  perform pg_notify('ops', ${scope});
end if;
end
$ops$`
  return { kind: 'function', name, create: [code] }
}

/** What a settlement writes to the task. */
function settled(table: TaskTable, variables: readonly string[]): string {
  const [statusNow, status, why, delay, givesBack, finishedAt, runAt] = variables
  const values: Readonly<Record<string, string>> = {
    // The last note means nothing once the task is done.
    progress: `case when ${status} = 'succeeded' then 1 else t.progress end`,
    progress_note: `case when ${status} <> 'succeeded' then t.progress_note end`,
    finished_at: finishedAt!,
    error: why!,
    run_at: `case when ${status} = 'pending' and ${delay} is not null then ${runAt} else t.run_at end`,
    attempt: `case when ${status} = 'pending' and ${givesBack} then t.attempt - 1 else t.attempt end`,
  }
  const present = Object.entries(values).filter(([name]) => columnNamed(table, name))
  return [`status = ${statusNow}`, ...present.map(([name, value]) => `${name} = ${value}`)].join(', ')
}

/**
 * Settles a run and claims the next task. The claims use what the settlement returns, so they run after it; each table
 * is searched only if the ones before it have no task.
 *
 * @param columns how many the processor returned
 */
export function settleStatement(table: TaskTable, columns: number, next: readonly QueuedTable[]): string {
  const first = next.length > 0 ? 10 : 9
  const values = Array.from({ length: columns }, (_, index) => `$${first + 1 + index}`)
  const returned = columns > 0 ? `$${first}::text[], array[${values.join(', ')}]::text[]` : 'null, null'
  const settled = `${quote(guaranteeName(table, 'settle'))}(
  $1, $2, $3, $4, $5, $6::float8 * interval '1 millisecond', $7, $8, ${returned}
) s`
  if (next.length === 0) return `select s.held, s.asked, s.diverged from ${settled}`
  // A task that is tried again was not yet pending when the statement started.
  const rest = { worker: '$9', rest: 's.held', orElse: `$3 = 'pending'`, onlyIf: 's.asked is null' }
  return `with ${GATE_OF_NEXT}
select s.held, s.asked, s.diverged, c.place, c.claim from ${settled}
left join lateral (\n${claims(next, rest)}\nlimit 1\n) c on true`
}
