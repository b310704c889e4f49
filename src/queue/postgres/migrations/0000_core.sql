-- One attempt at one task by one worker. A task is known by the text of its id, which may be a number, a uuid or a text;
-- where it is a number, `task_id` has it for people.
create table ops_runs (
  id bigint generated always as identity primary key,
  task_table text not null,
  task_id bigint,
  task_key text not null,
  attempt integer not null,
  worker_id text not null,
  exclusive_key text,
  -- Not the start of the transaction: it may have waited for the run before, which had the key, to end.
  started_at timestamptz not null default clock_timestamp(),
  deadline_at timestamptz,
  ended_at timestamptz,
  outcome text,
  error text,
  boot_id text,
  process_groups jsonb,
  cancel_requested_at timestamptz,
  cancel_requested_by text
);
--> statement-breakpoint
create unique index ops_runs_open_task on ops_runs (task_table, task_key) where ended_at is null;
--> statement-breakpoint
create unique index ops_runs_open_key on ops_runs (exclusive_key) where ended_at is null and exclusive_key is not null;
--> statement-breakpoint
-- How often a task has taken its worker with it. Holds no others, so that a run that ends otherwise costs nothing more.
create index ops_runs_crashed on ops_runs (task_table, task_key) where outcome = 'crashed';
--> statement-breakpoint
create function ops_refuse() returns trigger language plpgsql as $$
begin
  raise exception using message = tg_argv[0], errcode = 'check_violation', table = tg_table_name, constraint = tg_name;
end
$$;
--> statement-breakpoint
create function ops_runs_keep_newest() returns trigger language plpgsql as $$
begin
  if old.ended_at is null or old.id = (select max(id) from ops_runs) then
    raise exception 'an open run and the newest run stay, so that the id of a run is never given twice'
      using errcode = 'check_violation', table = tg_table_name, constraint = tg_name;
  end if;
  return old;
end
$$;
--> statement-breakpoint
create trigger ops_runs_keep_newest before delete on ops_runs for each row execute function ops_runs_keep_newest();
--> statement-breakpoint
create trigger ops_runs_keep_all before truncate on ops_runs for each statement
execute function ops_refuse('an open run and the newest run stay, so that the id of a run is never given twice');
--> statement-breakpoint
create trigger ops_runs_keep_history before update on ops_runs for each row when (old.ended_at is not null)
execute function ops_refuse('a run that has ended is history and is not changed');
--> statement-breakpoint
create trigger ops_runs_keep_subject before update on ops_runs for each row
when (
  (old.id, old.task_table, old.task_id, old.task_key, old.exclusive_key)
  is distinct from (new.id, new.task_table, new.task_id, new.task_key, new.exclusive_key)
)
execute function ops_refuse('what a run is about is not changed');
--> statement-breakpoint
create table ops_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  task_table text,
  task_id bigint,
  task_key text,
  run_id bigint,
  event text not null,
  from_status text,
  to_status text,
  actor text,
  detail jsonb
);
--> statement-breakpoint
create trigger ops_audit_no_update before update on ops_audit for each row
execute function ops_refuse('ops_audit is append-only: what happened is not changed');
--> statement-breakpoint
create trigger ops_audit_no_delete before delete on ops_audit for each row
execute function ops_refuse('ops_audit is append-only: what happened is not deleted');
--> statement-breakpoint
create trigger ops_audit_no_truncate before truncate on ops_audit for each statement
execute function ops_refuse('ops_audit is append-only: what happened is not deleted');
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
  state text not null
);
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
  task_key text
);
