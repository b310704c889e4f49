import type { Readable } from 'node:stream'
import type { EnqueueOptions } from '../queue/enqueue.ts'
import type { EnqueuedTask } from '../queue/queue.ts'
import type { TaskIdOf, TaskTable } from '../task-table/task-table.ts'

/**
 * Starts a program for the task, without a shell: in a process group of its own, with its output in the task's log,
 * ended when the task ends.
 *
 * Both streams go to the log, written there without ops in between. `stdout` of the result is what the program
 * printed; with `buffer: false` it is not kept, which is right for a long build.
 *
 * @throws ExecError when the program fails, is ended, or cannot be started
 */
export type Exec = (command: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>

export interface ExecOptions {
  /** The folder in which the program starts. Default: that of the worker. */
  readonly cwd?: string | URL
  /** Variables of its environment, on top of those of the worker and `context.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `false` gives it `env` and `context.env` alone, and nothing of the worker's environment. Default `true`. */
  readonly extendEnv?: boolean
  /** Written to its standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array | Readable
  /** Milliseconds after which it is ended. Default: no limit of its own. */
  readonly timeout?: number
  /** `false` returns the result of a program that fails instead of throwing it. Default `true`. */
  readonly reject?: boolean
  /** Lets a shell read the command: `true` for `/bin/sh`, or the path of another. Default `false`. */
  readonly shell?: boolean | string
  /** Whether `stdout` is kept for the result. Default `true`. */
  readonly buffer?: boolean
  /** Keeps at least this many bytes of the end of what the program prints. Default: all of it. */
  readonly keepStdout?: number
  /** Keeps the end of what the program writes to stderr, 64 kB of it, for the result or the error. Default `false`. */
  readonly keepStderr?: boolean
  /**
   * Gives the program file descriptor 3: each line there, `0.4 linking` or `{ "fraction": 0.4, "note": "linking" }`, is
   * progress of the task.
   */
  readonly progress?: boolean
}

export interface ExecResult {
  /** The program and its arguments with spaces between, for people. */
  readonly command: string
  readonly cwd: string
  readonly durationMs: number
  /** What the program printed, without its last newline; empty with `buffer: false`. */
  readonly stdout: string
  /** With `keepStderr` the end of what the program wrote there; empty otherwise. */
  readonly stderr: string
  /** Whether it did anything but exit with 0. */
  readonly failed: boolean
  /** Whether its `timeout` ended it. */
  readonly timedOut: boolean
  /** Undefined when a signal ended it, or when it was not started. */
  readonly exitCode: number | undefined
  /** The name of the signal that ended it, such as `SIGTERM`. */
  readonly signal: string | undefined
  /** Such as `ENOENT` when it could not be started. */
  readonly code?: string | undefined
  /** One line about how it failed. */
  readonly shortMessage?: string | undefined
  /** What the system says, where it could not be started. */
  readonly originalMessage?: string | undefined
}

/** What `exec` throws. */
export type ExecError = Error & ExecResult

export interface ContextEnqueueOptions extends EnqueueOptions {
  /**
   * `true` for a task that must exist whatever becomes of this one. Every task is added at once as yet; say it where
   * you rely on it.
   */
  readonly now?: boolean
}

/** What a processor is given beside its task. */
export interface TaskContext<Settings = unknown> {
  /** Starts a program for this task. */
  readonly exec: Exec
  /** Says how far the task is: 0 to 1, and what it is at. Cheap to call often; written at most four times a second. */
  progress(fraction: number, note?: string): void
  /** Aborts when the task must end: timed out, canceled, taken away, or the worker is stopping for good. */
  readonly signal: AbortSignal
  /** Writes a line to the task's log. */
  log(line: string): void
  /** The folder of the project, which relative paths are relative to. */
  readonly projectDirectory: string
  /** A folder of this run alone, made when first read and removed when the run has ended. */
  readonly workDirectory: string
  /** Where ops keeps what outlives a task: caches, artifacts. Shared by all tasks; make a folder of your own in it. */
  readonly stateDirectory: string
  /** The task's log file. */
  readonly logFile: string
  /** The part of the configuration that is the plugin's, after its own schema. */
  readonly settings: Settings
  /** What ops adds to the environment of child processes: `OPS_RUN_ID` (the fence), `OPS_TASK`, `OPS_PROJECT`, `OPS_RUN`. */
  readonly env: Readonly<Record<string, string>>
  /**
   * Adds a task to the same database, as `enqueue` does for applications, in the name of this one.
   *
   * @throws InvalidTaskError when a column is unknown, missing or of the wrong type; nothing is written then
   */
  enqueue<Select extends object, Insert extends object>(
    table: TaskTable<Select, Insert>,
    values: NoInfer<Insert>,
    options?: ContextEnqueueOptions,
  ): Promise<EnqueuedTask<TaskIdOf<Select>>>
  /** Adds many tasks at once, all or none, and returns them in the same order. */
  enqueue<Select extends object, Insert extends object>(
    table: TaskTable<Select, Insert>,
    values: readonly NoInfer<Insert>[],
    options?: ContextEnqueueOptions,
  ): Promise<EnqueuedTask<TaskIdOf<Select>>[]>
  /** A task of any task table, or undefined. */
  find<Select extends object>(table: TaskTable<Select>, id: TaskIdOf<NoInfer<Select>>): Promise<Select | undefined>
  /** The database, as Drizzle. Imported when first read. */
  // biome-ignore lint/suspicious/noExplicitAny: which Drizzle it is depends on the configured database
  readonly database: any
}
