alter table ops_runs add column cancel_requested_at integer;
--> statement-breakpoint
alter table ops_runs add column cancel_requested_by text;
--> statement-breakpoint
-- How often a task has taken its worker with it. Holds no others, so that a run that ends otherwise costs no page more.
create index ops_runs_crashed on ops_runs (task_table, task_id) where outcome = 'crashed';
--> statement-breakpoint
create table ops_holds (
  key text primary key,
  reason text,
  actor text not null,
  held_at integer not null
) strict, without rowid;
--> statement-breakpoint
create table ops_schedules (
  name text primary key,
  definition text not null,
  since_at integer not null,
  last_tick_at integer,
  task_table text,
  task_id any
) strict, without rowid;
