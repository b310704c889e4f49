CREATE TABLE `commands` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`created_at` integer DEFAULT (cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer)) NOT NULL,
	`run_at` integer DEFAULT (cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer)) NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`error` text,
	`progress` real,
	`progress_note` text,
	`command` text NOT NULL,
	`arguments` text,
	`cwd` text,
	`env` text,
	`timeout` text,
	`exit_code` integer,
	`output_tail` text
);