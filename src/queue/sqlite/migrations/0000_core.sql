-- One attempt at one task by one worker. No AUTOINCREMENT: its counter would be one more page in every commit. An id is
-- not reused all the same, since the newest run cannot be deleted.
create table ops_runs (
  id integer primary key check (id > 0),
  task_table text not null,
  task_id any not null,
  attempt integer not null,
  worker_id text not null,
  exclusive_key text,
  started_at integer not null,
  deadline_at integer,
  ended_at integer,
  outcome text,
  error text,
  boot_id text,
  process_groups text
) strict;
--> statement-breakpoint
create unique index ops_runs_open_task on ops_runs (task_table, task_id) where ended_at is null;
--> statement-breakpoint
create unique index ops_runs_open_key on ops_runs (exclusive_key) where ended_at is null and exclusive_key is not null;
--> statement-breakpoint
create trigger ops_runs_keep_newest before delete on ops_runs
when old.ended_at is null or old.id = (select max(id) from ops_runs)
begin
  select raise(abort, 'an open run and the newest run stay, so that the id of a run is never given twice');
end;
--> statement-breakpoint
create trigger ops_runs_keep_history before update on ops_runs when old.ended_at is not null
begin
  select raise(abort, 'a run that has ended is history and is not changed');
end;
--> statement-breakpoint
create trigger ops_runs_keep_subject before update of id, task_table, task_id, exclusive_key on ops_runs
when old.ended_at is null
begin
  select raise(abort, 'what a run is about is not changed');
end;
--> statement-breakpoint
create table ops_audit (
  id integer primary key check (id > 0),
  at integer not null,
  task_table text,
  task_id any,
  run_id integer,
  event text not null,
  from_status text,
  to_status text,
  actor text,
  detail text
) strict;
--> statement-breakpoint
create trigger ops_audit_no_update before update on ops_audit
begin
  select raise(abort, 'ops_audit is append-only: what happened is not changed');
end;
--> statement-breakpoint
create trigger ops_audit_no_delete before delete on ops_audit
begin
  select raise(abort, 'ops_audit is append-only: what happened is not deleted');
end;
--> statement-breakpoint
-- REPLACE deletes without the trigger for deletes. The id is below zero where the database gives it.
create trigger ops_audit_not_replaced before insert on ops_audit
when new.id > 0 and exists (select 1 from ops_audit where id = new.id)
begin
  select raise(abort, 'ops_audit is append-only: what happened is not replaced');
end;
--> statement-breakpoint
create table ops_workers (
  id text primary key,
  host text not null,
  pid integer not null,
  version text not null,
  started_at integer not null,
  stopped_at integer,
  state text not null
) strict, without rowid;
--> statement-breakpoint
-- Who makes the changes of this transaction. Filled and emptied inside one transaction, so it is empty for all others.
create table ops_actor (actor text not null) strict;
