CREATE TABLE "deployments" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deployments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"status" text DEFAULT 'pending' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"run_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempt" bigint DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"error" text,
	"progress" double precision,
	"progress_note" text,
	"environment" text NOT NULL,
	"build_id" bigint NOT NULL,
	"release_number" bigint,
	CONSTRAINT "deployments_created_at_check" CHECK (isfinite("created_at")),
	CONSTRAINT "deployments_run_at_check" CHECK (isfinite("run_at")),
	CONSTRAINT "deployments_started_at_check" CHECK (isfinite("started_at")),
	CONSTRAINT "deployments_finished_at_check" CHECK (isfinite("finished_at"))
);
--> statement-breakpoint
CREATE TABLE "rollbacks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "rollbacks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"status" text DEFAULT 'pending' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"run_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempt" bigint DEFAULT 0 NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"error" text,
	"progress" double precision,
	"progress_note" text,
	"environment" text NOT NULL,
	"to_release" bigint,
	"release_number" bigint,
	CONSTRAINT "rollbacks_created_at_check" CHECK (isfinite("created_at")),
	CONSTRAINT "rollbacks_run_at_check" CHECK (isfinite("run_at")),
	CONSTRAINT "rollbacks_started_at_check" CHECK (isfinite("started_at")),
	CONSTRAINT "rollbacks_finished_at_check" CHECK (isfinite("finished_at"))
);
--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_build_id_builds_id_fk" FOREIGN KEY ("build_id") REFERENCES "builds"("id") ON DELETE no action ON UPDATE no action;