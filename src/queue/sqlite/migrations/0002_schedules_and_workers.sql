-- Why the latest tick could not add its task, and since when the schedule is not in the configuration.
alter table ops_schedules add column error text;
--> statement-breakpoint
alter table ops_schedules add column error_at integer;
--> statement-breakpoint
alter table ops_schedules add column removed_at integer;
--> statement-breakpoint
-- The task tables from which the worker claims, as a JSON array; null if it has not said so.
alter table ops_workers add column task_tables text;
