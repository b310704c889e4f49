CREATE TABLE `deployments` (
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
	`environment` text NOT NULL,
	`build_id` integer NOT NULL,
	`release_number` integer,
	FOREIGN KEY (`build_id`) REFERENCES `builds`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `rollbacks` (
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
	`environment` text NOT NULL,
	`to_release` integer,
	`release_number` integer
);