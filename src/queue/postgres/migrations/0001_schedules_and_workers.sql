-- Why the latest tick could not add its task, and since when the schedule is not in the configuration.
alter table ops_schedules
  add column error text,
  add column error_at timestamptz,
  add column removed_at timestamptz;
--> statement-breakpoint
-- The task tables from which the worker claims; null if it has not said so.
alter table ops_workers add column task_tables text[];
