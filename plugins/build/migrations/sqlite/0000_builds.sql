CREATE TABLE `builds` (
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
	`repository` text NOT NULL,
	`ref` text DEFAULT 'HEAD' NOT NULL,
	`command` text,
	`revision` text,
	`artifact` text,
	`artifact_size` integer,
	`artifact_sha256` text
);