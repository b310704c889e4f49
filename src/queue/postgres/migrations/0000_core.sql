-- The tasks that this transaction prunes: only what is about them is deleted from the history. Filled and emptied inside one
-- transaction, so it is empty for all others, whatever a session sets. It cannot stop the owner of the tables from filling
-- it, or from disabling the triggers.
create unlogged table ops_pruning (
  task_table text not null,
  task_key text not null,
  primary key (task_table, task_key)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
--> statement-breakpoint
-- At most one row: who prunes, and the pass that has no event yet, so that a pruning that is killed is still explained.
create table ops_prune_pass (
  id integer primary key check (id = 1),
  holder text,
  seen_at timestamptz,
  -- When the latest pruning was complete.
  ended_at timestamptz,
  pass json
);
--> statement-breakpoint
-- The numbers of runs, of their ends and of events: one order for all that happens, and one cursor. A transaction begins
-- before it takes one: a follower of the audit waits for the transactions that may have a number that it misses.
create sequence ops_sequence;
--> statement-breakpoint
-- One attempt at one task by one worker. Vacuumed early, so that what is pruned makes room soon. The id of a task is a number,
-- in `task_id`; or it is a uuid or a text, in `task_key`.
create table ops_runs (
  id bigint primary key default nextval(case when pg_current_xact_id() is not null then 'ops_sequence'::regclass end),
  -- Its number in the audit.
  end_id bigint,
  task_id bigint,
  -- Not the start of the transaction: it may have waited for the run before, which had the key, to end.
  started_at timestamptz not null default clock_timestamp(),
  deadline_at timestamptz,
  ended_at timestamptz,
  cancel_requested_at timestamptz,
  attempt integer not null,
  task_table text not null,
  task_key text,
  worker_id text not null,
  exclusive_key text,
  outcome text,
  -- What the task became; null where the outcome says it.
  status_after text,
  error text,
  -- Null if its own worker ended it.
  ended_by text,
  cancel_requested_by text,
  boot_id text,
  process_groups jsonb,
  constraint ops_runs_ended_at_once
    check ((end_id is null) = (ended_at is null) and (end_id is null) = (outcome is null))
) with (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
-- Without the table, which would be half of it: few tables have a task of that id. In the order of numbers, each new entry is
-- beside the last one; in that of texts, it would be anywhere.
create index ops_runs_of_task on ops_runs (task_id);
--> statement-breakpoint
create index ops_runs_of_key on ops_runs (task_key) where task_key is not null;
--> statement-breakpoint
-- Of ranges of pages, which an end rarely changes: a tree would make each end change all indexes of the table.
create index ops_runs_ended on ops_runs using brin (end_id) with (pages_per_range = 16, autosummarize = on);
--> statement-breakpoint
create function ops_refuse() returns trigger language plpgsql as $$
begin
  raise exception using message = tg_argv[0], errcode = 'check_violation', table = tg_table_name, constraint = tg_name;
end
$$;
--> statement-breakpoint
-- Names the table of the schema: a session may have another of this name before it in its search path.
create function ops_refuse_unless_pruned() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  is_refused boolean;
begin
  execute format('select exists (select from gone g where not exists (
    select from %I.ops_pruning p where p.task_table = g.task_table and p.task_key = coalesce(g.task_id::text, g.task_key)
  ))', tg_table_schema) into is_refused;
  if is_refused then
    raise exception using message = tg_argv[0], errcode = 'check_violation', table = tg_table_name, constraint = tg_name;
  end if;
  return null;
end
$$;
--> statement-breakpoint
create trigger ops_runs_no_delete after delete on ops_runs referencing old table as gone for each statement
execute function ops_refuse_unless_pruned('ops_runs is history: a run is not deleted');
--> statement-breakpoint
create trigger ops_runs_no_truncate before truncate on ops_runs for each statement
execute function ops_refuse('ops_runs is history: a run is not deleted');
--> statement-breakpoint
create function ops_keep_history() returns trigger language plpgsql as $$
begin
  if old.ended_at is not null then
    raise exception using message = tg_argv[0], errcode = 'check_violation', table = tg_table_name, constraint = tg_name;
  end if;
  return null;
end
$$;
--> statement-breakpoint
-- After the update, as the next: a trigger before it would lock each row first, which is a record more in the log. Its
-- condition is not in WHEN, which the server parses again for each statement.
create trigger ops_runs_keep_history after update on ops_runs for each row
execute function ops_keep_history('ops_runs is history: a run that has ended is not changed');
--> statement-breakpoint
create trigger ops_runs_keep_subject
after update of id, task_table, task_id, task_key, attempt, worker_id, exclusive_key, started_at on ops_runs
for each row execute function ops_refuse('what a run is about is not changed');
--> statement-breakpoint
-- The task of each open run, by its table and its id, and its exclusivity key, by 'ops_key': the claim, the lock and the
-- look-up. Rows live as long as a run, so it is vacuumed by their number and not by the size of the table.
create table ops_open (
  scope text not null,
  what text not null,
  run_id bigint not null,
  primary key (scope, what)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
--> statement-breakpoint
create trigger ops_open_no_update before update on ops_open for each row
execute function ops_refuse('ops_open has what is taken: a row is not changed');
--> statement-breakpoint
-- Whoever ends a run ends it before it frees what the run holds.
create function ops_open_kept() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from ops_runs r where r.id = old.run_id and r.ended_at is null
      and (old.scope = r.task_table and old.what = coalesce(r.task_id::text, r.task_key) or old.scope = 'ops_key' and old.what = r.exclusive_key)
  ) then
    raise exception using errcode = 'check_violation', table = tg_table_name, constraint = tg_name, message = (
      select format('run %s of %s %s is open and holds what it needs; cancel the task, or if its worker is gone: ops doctor --fix',
        r.id, r.task_table, coalesce(r.task_id::text, r.task_key)) from ops_runs r where r.id = old.run_id
    );
  end if;
  return null;
end
$$;
--> statement-breakpoint
create trigger ops_open_no_delete after delete on ops_open for each row execute function ops_open_kept();
--> statement-breakpoint
create trigger ops_open_no_truncate before truncate on ops_open for each statement
execute function ops_refuse('ops_open has what is taken: it is not truncated');
--> statement-breakpoint
create table ops_events (
  id bigint primary key default nextval(case when pg_current_xact_id() is not null then 'ops_sequence'::regclass end),
  at timestamptz not null default clock_timestamp(),
  task_id bigint,
  run_id bigint,
  task_table text,
  task_key text,
  event text not null,
  from_status text,
  to_status text,
  actor text,
  detail jsonb
) with (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
create index ops_events_of_task on ops_events (task_id);
--> statement-breakpoint
create index ops_events_of_key on ops_events (task_key) where task_key is not null;
--> statement-breakpoint
create trigger ops_events_no_update before update on ops_events for each row
execute function ops_refuse('ops_events is append-only: what happened is not changed');
--> statement-breakpoint
create trigger ops_events_no_delete after delete on ops_events referencing old table as gone for each statement
execute function ops_refuse_unless_pruned('ops_events is append-only: what happened is not deleted');
--> statement-breakpoint
create trigger ops_events_no_truncate before truncate on ops_events for each statement
execute function ops_refuse('ops_events is append-only: what happened is not deleted');
--> statement-breakpoint
create view ops_run_starts as
select id, started_at as at, task_table, task_id, task_key, id as run_id, 'started' as event, 'pending' as from_status,
  'ongoing' as to_status, worker_id as actor, null::jsonb as detail
from ops_runs;
--> statement-breakpoint
create view ops_run_ends as
select end_id as id, ended_at as at, task_table, task_id, task_key, id as run_id,
  case status_after when 'pending' then 'returned' else coalesce(status_after, outcome) end as event,
  'ongoing' as from_status, coalesce(status_after, outcome) as to_status, coalesce(ended_by, worker_id) as actor,
  case
    when outcome <> status_after and outcome <> 'returned' then jsonb_build_object('outcome', outcome, 'error', error)
    when outcome = 'failed' and error is not null then jsonb_build_object('error', error)
  end as detail
from ops_runs where end_id is not null;
--> statement-breakpoint
-- All that happened, in one order.
create view ops_audit as
select * from ops_run_starts
union all select * from ops_run_ends
union all select id, at, task_table, task_id, task_key, run_id, event, from_status, to_status, actor, detail from ops_events;
--> statement-breakpoint
-- The life of a worker is an advisory lock with the number `lock_id`; the boot, the pid and its start prove a death. On
-- another machine, its last sign of life must be old too.
create table ops_workers (
  id text primary key,
  lock_id bigint generated always as identity unique,
  host text not null,
  pid integer not null,
  boot_id text,
  process_started bigint,
  version text not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz,
  state text not null,
  -- The task tables from which it claims; null if it has not said so.
  task_tables text[]
);
--> statement-breakpoint
create function ops_workers_kept() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from ops_open o join ops_runs r on r.id = o.run_id
    where o.scope <> 'ops_key' and r.worker_id = old.id and r.ended_at is null
  ) then
    raise exception using errcode = 'check_violation', table = tg_table_name, constraint = tg_name,
      message = format('worker %s has an open run and is not deleted', old.id);
  end if;
  return null;
end
$$;
--> statement-breakpoint
create trigger ops_workers_no_delete after delete on ops_workers for each row execute function ops_workers_kept();
--> statement-breakpoint
create trigger ops_workers_keep_id after update of id, lock_id on ops_workers for each row
when (new.id <> old.id or new.lock_id <> old.lock_id)
execute function ops_refuse('the id of a worker is not changed');
--> statement-breakpoint
create trigger ops_workers_no_truncate before truncate on ops_workers for each statement
execute function ops_refuse('ops_workers has who is alive: it is not truncated');
--> statement-breakpoint
create table ops_holds (
  key text primary key,
  reason text,
  actor text not null,
  held_at timestamptz not null default now()
);
--> statement-breakpoint
create table ops_schedules (
  name text primary key,
  definition text not null,
  since_at timestamptz not null default now(),
  last_tick_at timestamptz,
  task_table text,
  task_id bigint,
  task_key text,
  -- Why the latest tick could not add its task.
  error text,
  error_at timestamptz,
  -- Since when the schedule is not in the configuration.
  removed_at timestamptz
);
