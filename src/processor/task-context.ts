import type { Options, Result } from 'execa'
import type { TaskTable } from '../task-table/task-table.ts'

/**
 * How a processor starts a program: execa, in a process group of its own, with its output in the task's log, ended
 * when the task is. Rejects with execa's error when the program fails, is ended, or cannot be started.
 *
 * Both streams go to the log, written there without ops in between. `stdout` of the result is what the program
 * printed; with `buffer: false` it is not kept, which is right for a long build.
 */
export type Run = (command: string, args?: readonly string[], options?: RunOptions) => Promise<RunResult>

export interface RunOptions
  extends Pick<Options, 'cwd' | 'env' | 'extendEnv' | 'input' | 'timeout' | 'reject' | 'shell' | 'buffer'> {
  /**
   * Gives the program file descriptor 3: each line there, `0.4 linking` or `{ "fraction": 0.4, "note": "linking" }`, is
   * progress of the task.
   */
  readonly progress?: boolean
  /** Keeps at least so many bytes of the end of what the program prints; all of it unless said otherwise. */
  readonly keepStdout?: number
  /** Keeps the end of what the program writes to stderr, 64 kB of it, for the result or the error. */
  readonly keepStderr?: boolean
}

export interface RunResult extends Pick<Result, 'command' | 'cwd' | 'durationMs' | 'failed' | 'timedOut'> {
  /** What the program printed, without its last newline; empty with `buffer: false`. */
  readonly stdout: string
  /** With `keepStderr` the end of what the program wrote there; empty otherwise. */
  readonly stderr: string
  readonly exitCode: number | undefined
  readonly signal: string | undefined
}

/** What a processor is given beside its task. */
export interface TaskContext<Settings = unknown> {
  /** Starts a program for this task. */
  readonly run: Run
  /** Says how far the task is: 0 to 1, and what it is at. Cheap to call often; written at most four times a second. */
  progress(fraction: number, note?: string): void
  /** Aborts when the task must end: timed out, canceled, taken away, or the worker is stopping for good. */
  readonly signal: AbortSignal
  /** Writes a line to the task's log. */
  log(line: string): void
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
  /** Adds a task to the same database and returns its id. */
  enqueue<Insert extends object>(table: TaskTable<object, Insert>, values: NoInfer<Insert>): Promise<number | string>
  /** A task of any task table, or undefined. */
  find<Select extends object>(table: TaskTable<Select>, id: number | string): Promise<Select | undefined>
  /** The database, as Drizzle. Imported when first read. */
  // biome-ignore lint/suspicious/noExplicitAny: which Drizzle it is depends on the configured database
  readonly database: any
}
