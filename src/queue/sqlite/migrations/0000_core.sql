-- The tasks that this transaction prunes: only what is about them is deleted from the history. Filled and emptied inside one
-- transaction, so it is empty for all others, whatever a connection sets. It cannot stop a program that may write to this
-- file from filling it, or from dropping the triggers.
create table ops_pruning (
  task_table text not null,
  task_id any not null,
  primary key (task_table, task_id)
) strict, without rowid;
--> statement-breakpoint
-- At most one row: who prunes, and the pass that has no event yet, so that a pruning that is killed is still explained.
create table ops_prune_pass (
  id integer primary key check (id = 1),
  holder text,
  seen_at integer,
  -- When the latest pruning was complete.
  ended_at integer,
  pass text
) strict;
--> statement-breakpoint
-- One attempt at one task by one worker. No AUTOINCREMENT: its counter would be one more page in every commit. An id is
-- not reused all the same: a pruning that deletes the latest number leaves it to a row of ops_ends.
create table ops_runs (
  id integer primary key check (id > 0),
  -- The run that ended in the transaction that began this one, with the number before this id.
  follows integer,
  task_table text not null,
  task_id any not null,
  attempt integer not null,
  worker_id text not null,
  exclusive_key text,
  started_at integer not null,
  deadline_at integer,
  -- The number of its end in the audit.
  end_id integer,
  ended_at integer,
  outcome text,
  -- What the task became; null where the outcome says it.
  status_after text,
  error text,
  -- Who ended it; null if its worker did.
  ended_by text,
  boot_id text,
  process_groups text,
  cancel_requested_at integer,
  cancel_requested_by text,
  check ((end_id is null) = (ended_at is null) and (end_id is null) = (outcome is null))
) strict;
--> statement-breakpoint
-- How often a task has taken its worker with it. Holds no others, so that a run that ends otherwise costs no page more.
create index ops_runs_crashed on ops_runs (task_table, task_id) where outcome = 'crashed';
--> statement-breakpoint
-- The runs of each task, up to the one in ops_runs_listed: an index of ops_runs would be a page in every commit, so workers
-- add a few hundred runs at once.
create table ops_runs_of_task (
  -- Without the table, as in the index of events: few tables have a task of that id, and the name would be a third of it.
  task_id any not null,
  run_id integer not null,
  primary key (task_id, run_id)
) strict, without rowid;
--> statement-breakpoint
create trigger ops_runs_of_task_no_update before update on ops_runs_of_task
begin
  select raise(abort, 'ops_runs_of_task is append-only: what happened is not changed');
end;
--> statement-breakpoint
create trigger ops_runs_of_task_no_delete before delete on ops_runs_of_task
when exists (select 1 from ops_runs r where r.id = old.run_id)
begin
  select raise(abort, 'ops_runs_of_task is append-only: what happened is not deleted');
end;
--> statement-breakpoint
create table ops_runs_listed (run_id integer not null) strict;
--> statement-breakpoint
insert into ops_runs_listed values (0);
--> statement-breakpoint
create trigger ops_runs_no_delete before delete on ops_runs when old.ended_at is null or not exists (
  select 1 from ops_pruning p where p.task_table = old.task_table and p.task_id = old.task_id
)
begin
  select raise(abort, 'ops_runs is history: a run is not deleted, so that its id is never given twice');
end;
--> statement-breakpoint
create trigger ops_runs_keep_history before update on ops_runs when old.ended_at is not null
begin
  select raise(abort, 'ops_runs is history: a run that has ended is not changed');
end;
--> statement-breakpoint
create trigger ops_runs_keep_subject
before update of id, follows, task_table, task_id, attempt, worker_id, exclusive_key, started_at on ops_runs
when old.ended_at is null
begin
  select raise(abort, 'what a run is about is not changed');
end;
--> statement-breakpoint
-- REPLACE deletes without the trigger for deletes. The id is below zero where the database gives it.
create trigger ops_runs_not_replaced before insert on ops_runs
when new.id > 0 and exists (select 1 from ops_runs where id = new.id)
begin
  select raise(abort, 'ops_runs is history: a run is not replaced');
end;
--> statement-breakpoint
-- The claims: a row for the task of each open run, and a row for its exclusivity key.
create table ops_open (
  -- The table of the task; for a key, "ops_key".
  scope text not null,
  -- The id of the task; the key.
  what any not null,
  run_id integer not null,
  primary key (scope, what)
) strict, without rowid;
--> statement-breakpoint
create trigger ops_open_no_update before update on ops_open
begin
  select raise(abort, 'what a run holds is not changed');
end;
--> statement-breakpoint
-- Whoever ends a run ends it before it frees what the run holds.
create trigger ops_open_no_delete before delete on ops_open when exists (
  select 1 from ops_runs r where r.id = old.run_id and r.ended_at is null
    and (old.scope = r.task_table and old.what = r.task_id or old.scope = 'ops_key' and old.what = r.exclusive_key)
)
begin
  select json_extract('{}', printf('run %d of %s %s is open and holds what it needs; cancel the task, or if its worker is gone: ops doctor --fix',
    old.run_id, task_table, task_id)) from ops_runs where id = old.run_id;
end;
--> statement-breakpoint
-- REPLACE deletes without the trigger for deletes.
create trigger ops_open_not_replaced before insert on ops_open
when exists (select 1 from ops_open where scope = new.scope and what = +new.what and run_id <> new.run_id)
begin
  select raise(abort, 'another run holds this already');
end;
--> statement-breakpoint
-- The tasks that the row of an INSERT or UPDATE deletes if it is one OR REPLACE, for which SQLite fires no trigger. Filled
-- before the row is written and judged after it. What a row leaves that was not written, the next one removes.
create table ops_replacing (
  task_table text not null,
  task_id any not null,
  status any,
  -- Whether a trigger has recorded it all the same: recursive_triggers is on.
  is_recorded integer not null default false,
  primary key (task_table, task_id)
) strict, without rowid;
--> statement-breakpoint
create view ops_replaced (task_table, task_id, status, is_recorded, new_id, final_refused)
as select null, null, null, null, null, null where false;
--> statement-breakpoint
create trigger ops_replaced_made instead of insert on ops_replaced
begin
  select json_extract('{}', printf(new.final_refused, new.task_id))
  where new.task_id = new.new_id and new.status = 'succeeded';
  insert into ops_events (id, at, task_table, task_id, event, from_status, actor)
  select id, now, new.task_table, new.task_id, 'deleted', new.status, actor from ops_next where not new.is_recorded;
end;
--> statement-breakpoint
-- What happened that is not the start or the end of a run.
create table ops_events (
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
create index ops_events_of_task on ops_events (task_id) where task_id is not null;
--> statement-breakpoint
create trigger ops_events_no_update before update on ops_events
begin
  select raise(abort, 'ops_events is append-only: what happened is not changed');
end;
--> statement-breakpoint
create trigger ops_events_no_delete before delete on ops_events when not exists (
  select 1 from ops_pruning p where p.task_table = old.task_table and p.task_id = old.task_id
)
begin
  select raise(abort, 'ops_events is append-only: what happened is not deleted');
end;
--> statement-breakpoint
create trigger ops_events_not_replaced before insert on ops_events
when new.id > 0 and exists (select 1 from ops_events where id = new.id)
begin
  select raise(abort, 'ops_events is append-only: what happened is not replaced');
end;
--> statement-breakpoint
-- The ends that no run follows, by their numbers: those before a run are found by its "follows", for which a commit
-- writes no page more. Of run 0: a number that was pruned.
create table ops_ends (
  id integer primary key check (id > 0),
  run_id integer not null
) strict;
--> statement-breakpoint
create trigger ops_ends_no_update before update on ops_ends
begin
  select raise(abort, 'ops_ends is append-only: what happened is not changed');
end;
--> statement-breakpoint
create trigger ops_ends_no_delete before delete on ops_ends when not exists (
  select 1 from ops_runs r join ops_pruning p on p.task_table = r.task_table and p.task_id = r.task_id
  where r.id = old.run_id
)
begin
  select raise(abort, 'ops_ends is append-only: what happened is not deleted');
end;
--> statement-breakpoint
create trigger ops_ends_not_replaced before insert on ops_ends
when new.id > 0 and exists (select 1 from ops_ends where id = new.id)
begin
  select raise(abort, 'ops_ends is append-only: what happened is not replaced');
end;
--> statement-breakpoint
-- Who makes the changes of this transaction. Filled and emptied inside one transaction, so it is empty for all others.
create table ops_actor (actor text not null) strict;
--> statement-breakpoint
-- The next number, since the starts and ends of runs and the events have the numbers of one sequence; the time in whole
-- milliseconds, also for SQLite before 3.42; and who makes the changes of this transaction.
create view ops_next (id, now, actor) as select
  1 + max(
    coalesce((select max(id) from ops_runs), 0),
    coalesce((select max(id) from ops_events), 0),
    coalesce((select max(id) from ops_ends), 0)
  ),
  cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer),
  (select actor from ops_actor);
--> statement-breakpoint
create view ops_run_starts as
select id, started_at as at, task_table, task_id, id as run_id, 'started' as event, 'pending' as from_status,
  'ongoing' as to_status, worker_id as actor, null as detail
from ops_runs;
--> statement-breakpoint
create view ops_run_ends as
select end_id as id, ended_at as at, task_table, task_id, id as run_id,
  case status_after when 'pending' then 'returned' else coalesce(status_after, outcome) end as event,
  'ongoing' as from_status, coalesce(status_after, outcome) as to_status, coalesce(ended_by, worker_id) as actor,
  case when outcome <> status_after and outcome <> 'returned' then json_object('outcome', outcome, 'error', error)
    when outcome = 'failed' and error is not null then json_object('error', error) end as detail
from ops_runs where end_id is not null;
--> statement-breakpoint
-- The audit. Found by task: by the list of runs, and looking through those that are not listed yet.
create view ops_audit as
select a.id, at, a.task_table, k.task_id, a.run_id, event, from_status, to_status, actor, detail
from ops_runs_of_task k join ops_run_starts a on a.id = k.run_id
union all select * from ops_run_starts where id > (select run_id from ops_runs_listed)
union all
select a.id, at, a.task_table, k.task_id, a.run_id, event, from_status, to_status, actor, detail
from ops_runs_of_task k join ops_run_ends a on a.run_id = k.run_id
union all select * from ops_run_ends where run_id > (select run_id from ops_runs_listed)
union all select id, at, task_table, task_id, run_id, event, from_status, to_status, actor, detail from ops_events;
--> statement-breakpoint
create table ops_workers (
  id text primary key,
  host text not null,
  pid integer not null,
  version text not null,
  started_at integer not null,
  stopped_at integer,
  state text not null,
  -- The task tables from which it claims, as a JSON array; null if it has not said so.
  task_tables text
) strict, without rowid;
--> statement-breakpoint
create trigger ops_workers_keep_id before update of id on ops_workers when new.id is not old.id
begin
  select raise(abort, 'the id of a worker is not changed');
end;
--> statement-breakpoint
create trigger ops_workers_no_delete before delete on ops_workers when exists (
  select 1 from ops_open o join ops_runs r on r.id = o.run_id
  where o.scope > '' and r.worker_id = old.id and r.ended_at is null
)
begin
  select raise(abort, 'a worker with an open run is not deleted');
end;
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
  task_id any,
  -- Why the latest tick could not add its task.
  error text,
  error_at integer,
  -- Since when the schedule is not in the configuration.
  removed_at integer
) strict, without rowid;
--> statement-breakpoint
-- What another program does to a task: the triggers of all task tables insert it here, where it is refused or completed. The
-- refusals are formats. In a view, because whatever a trigger contains is a cost of the statements that do not need it, too.
create view ops_changes (
  task_table, old_id, new_id, old_status, new_status, old_key, new_key, processor_key, attempt, error, is_start, is_end,
  status_refused, id_refused, key_refused, key_taken, on_hold
) as select null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null where false;
--> statement-breakpoint
-- Before SQLite 3.47 RAISE takes only a literal, which cannot name the task; the error for a bad JSON path repeats the path,
-- in every version.
create trigger ops_changes_made instead of insert on ops_changes
begin
  -- While a run is open, its task keeps its id and key; and its status too, if the run is a worker's.
  select json_extract('{}', printf(
    case when new.new_status is not new.old_status and r.worker_id <> 'sql' and not new.is_start then new.status_refused
      when new.new_id is not new.old_id then new.id_refused
      when new.new_key is not new.old_key then new.key_refused end,
    new.old_id, new.old_id
  )) from ops_open o join ops_runs r on r.id = o.run_id where o.scope = new.task_table and o.what = +new.old_id
    and (new.new_id is not new.old_id or new.new_key is not new.old_key
      or new.new_status is not new.old_status and r.worker_id <> 'sql');

  -- UPDATE OR REPLACE has deleted the task that had the id.
  select json_extract('{}', printf(new.id_refused, new.new_id, new.new_id)) from ops_open o
  where new.new_id is not new.old_id and o.scope = new.task_table and o.what = +new.new_id;

  insert into ops_events (id, at, task_table, task_id, event, from_status, actor)
  select id, now, new.task_table, new.old_id, 'renumbered', new.old_status, actor from ops_next
  where new.new_id is not new.old_id;
  insert into ops_events (id, at, task_table, task_id, event, to_status, actor)
  select id, now, new.task_table, new.new_id, 'renumbered', new.old_status, actor from ops_next
  where new.new_id is not new.old_id;

  -- A start: so every attempt has a run, and exclusivity applies to it too.
  select json_extract('{}', printf(new.key_taken, new.new_id, new.new_key, r.id, r.task_table, r.task_id))
  from ops_open o join ops_runs r on r.id = o.run_id
  where new.is_start and o.scope = 'ops_key' and o.what = new.new_key;
  select json_extract('{}', printf(new.on_hold, new.new_id, key, actor || coalesce(': ' || reason, ''))) from ops_holds
  where new.is_start and key in (new.processor_key, new.new_key);
  insert into ops_runs (id, task_table, task_id, attempt, worker_id, exclusive_key, started_at)
  select id, new.task_table, new.new_id, new.attempt, 'sql', new.new_key, now from ops_next where new.is_start;
  insert into ops_open (scope, what, run_id)
  select new.task_table, new.new_id, (select max(id) from ops_runs) where new.is_start;
  insert into ops_open (scope, what, run_id)
  select 'ops_key', new.new_key, (select max(id) from ops_runs) where new.is_start and new.new_key is not null;

  -- An end.
  insert into ops_ends (id, run_id)
  select n.id, o.run_id from ops_open o, ops_next n where new.is_end and o.scope = new.task_table and o.what = +new.new_id;
  update ops_runs set end_id = (select max(id) from ops_ends), ended_at = (select now from ops_next),
    outcome = iif(new.new_status = 'pending', 'returned', new.new_status),
    status_after = iif(new.new_status = 'pending', 'pending', null),
    error = new.error, ended_by = (select actor from ops_actor)
  where new.is_end and ended_at is null
    and id = (select run_id from ops_open where scope = new.task_table and what = +new.new_id);
  delete from ops_open where new.is_end and scope = 'ops_key' and what = (
    select r.exclusive_key from ops_open o join ops_runs r on r.id = o.run_id
    where o.scope = new.task_table and o.what = +new.new_id
  );
  delete from ops_open where new.is_end and scope = new.task_table and what = +new.new_id;

  insert into ops_events (id, at, task_table, task_id, event, from_status, to_status, actor)
  select id, now, new.task_table, new.new_id, iif(new.new_status = 'pending', 'retried', new.new_status), new.old_status,
    new.new_status, actor
  from ops_next where new.new_status is not new.old_status and new.old_status <> 'ongoing' and new.new_status <> 'ongoing';
end;
