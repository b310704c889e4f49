import type { Readable } from 'node:stream'
import type { EnqueueOptions } from '../queue/enqueue.ts'
import type { EnqueuedTask } from '../queue/queue.ts'
import type { TaskIdOf, TaskTable } from '../task-table/task-table.ts'

/**
 * Starts a program for the task, without a shell: in its own process group, with its output in the task's log, and
 * stopped when the task ends.
 *
 * The program writes both streams to the log itself. `stdout` of the result is what it printed; `buffer: false` does not
 * keep it, which suits a long build.
 *
 * @throws ExecError if the program fails, is killed, or cannot be started
 */
export type Exec = (command: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>

export interface ExecOptions {
  /** The working directory. Default: that of the worker. */
  readonly cwd?: string | URL
  /** Environment variables, on top of those of the worker that are no secrets, and `context.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `false` passes only `env` and `context.env`, not the worker's environment. Default `true`. */
  readonly extendEnv?: boolean
  /** Written to its standard input. Default: empty. */
  readonly input?: string | Uint8Array | Readable
  /** Milliseconds after which it is stopped. Default: no limit. */
  readonly timeout?: number
  /** `false` returns the result of a failed program instead of throwing it. Default `true`. */
  readonly reject?: boolean
  /** Runs the command in a shell: `true` for `/bin/sh`, or the path of another. Default `false`. */
  readonly shell?: boolean | string
  /** Whether `stdout` is kept for the result. Default `true`. */
  readonly buffer?: boolean
  /** Keeps at least the last this many bytes of what the program prints. Default: all. */
  readonly keepStdout?: number
  /** Keeps the last 64 kB of stderr for the result or the error. Default `false`. */
  readonly keepStderr?: boolean
  /**
   * Opens file descriptor 3 for the program: each line there, `0.4 linking` or `{ "fraction": 0.4, "note": "linking" }`,
   * reports progress of the task.
   */
  readonly progress?: boolean
}

export interface ExecResult {
  /** The program and its arguments, separated by spaces, for people. */
  readonly command: string
  readonly cwd: string
  readonly durationMs: number
  /** What the program printed, without its last newline; empty with `buffer: false`. */
  readonly stdout: string
  /** With `keepStderr` the end of stderr; empty otherwise. */
  readonly stderr: string
  /** Whether it ended in any way but exit status 0. */
  readonly failed: boolean
  /** Whether it ran past its `timeout`. */
  readonly timedOut: boolean
  /** Undefined if a signal killed it, or if it was not started. */
  readonly exitCode: number | undefined
  /** The signal that killed it, such as `SIGTERM`. */
  readonly signal: string | undefined
  /** Such as `ENOENT` if it could not be started. */
  readonly code?: string | undefined
  /** How it failed, in one line. */
  readonly shortMessage?: string | undefined
  /** The system's message if it could not be started. */
  readonly originalMessage?: string | undefined
}

/** What `exec` throws. */
export type ExecError = Error & ExecResult

export interface ContextEnqueueOptions extends EnqueueOptions {
  /**
   * `true` for a task that must exist even if this one fails. For now every task is added at once; set it where you rely
   * on that.
   */
  readonly now?: boolean
}

/** What a processor gets besides its task. */
export interface TaskContext<Settings = unknown> {
  /** Starts a program for this task. */
  readonly exec: Exec
  /** Reports progress: 0 to 1, and a note. Cheap to call often; written at most four times a second. */
  progress(fraction: number, note?: string): void
  /** Aborts when the task must end: timed out, canceled, taken away, or the worker's grace period is over. */
  readonly signal: AbortSignal
  /** Writes a line to the task's log. */
  log(line: string): void
  /** The folder of the project; relative paths start from it. */
  readonly projectDirectory: string
  /** A folder for this run only, created when first read and removed when the run ends. */
  readonly workDirectory: string
  /** Where ops keeps what outlives a task: caches, artifacts. Shared by all tasks; use a subfolder. */
  readonly stateDirectory: string
  /** The task's log file. */
  readonly logFile: string
  /** The plugin's part of the configuration, as its schema returned it. */
  readonly settings: Settings
  /** What ops adds to the environment of programs: `OPS_RUN_ID` (the fence), `OPS_TASK`, `OPS_PROJECT`, `OPS_RUN`. */
  readonly env: Readonly<Record<string, string>>
  /**
   * Adds a task to the same database, as `enqueue` does for applications, on behalf of this one.
   *
   * @throws InvalidTaskError if a column is unknown, missing or of the wrong type; nothing is written then
   */
  enqueue<Select extends object, Insert extends object>(
    table: TaskTable<Select, Insert>,
    values: NoInfer<Insert>,
    options?: ContextEnqueueOptions,
  ): Promise<EnqueuedTask<TaskIdOf<Select>>>
  /** Adds many tasks, all or none, and returns them in the same order. */
  enqueue<Select extends object, Insert extends object>(
    table: TaskTable<Select, Insert>,
    values: readonly NoInfer<Insert>[],
    options?: ContextEnqueueOptions,
  ): Promise<EnqueuedTask<TaskIdOf<Select>>[]>
  /** A task of any task table, or undefined. */
  find<Select extends object>(table: TaskTable<Select>, id: TaskIdOf<NoInfer<Select>>): Promise<Select | undefined>
  /** The database as a Drizzle instance, loaded when first read. */
  // biome-ignore lint/suspicious/noExplicitAny: which Drizzle it is depends on the configured database
  readonly database: any
}

/** What `removeFiles` works with. */
export interface FilesContext<Settings = unknown> {
  readonly settings: Settings
  readonly projectDirectory: string
  readonly stateDirectory: string
}

/** How much space is free again. */
export interface RemovedFiles {
  readonly files: number
  readonly bytes: number
}
