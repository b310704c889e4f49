import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivateFolder } from '../platform/private-file.ts'
import { bootId } from '../platform/proc.ts'
import type { ContextEnqueueOptions, Exec, TaskContext } from '../processor/task-context.ts'
import type { Claim, Queue, TaskId } from '../queue/queue.ts'
import { redactText } from '../redact.ts'
import { requireValidTasks } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { AbortReason } from './abort-reason.ts'
import type { ChildProcesses } from './child-processes.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import { Progress } from './progress.ts'
import { logFile, TaskLog } from './task-log.ts'

/** What all runs of a worker have in common. */
export interface RunEnvironment {
  readonly queue: Queue
  readonly workerId: string
  /** Undefined where tasks are performed without a worker. */
  readonly lease?: LeaseKeeper
  readonly stateDirectory: string
  /** How many bytes the log of a run may have; 100 MB by default. */
  readonly maxLog?: number | undefined
  /** Makes another database usable that has taken the place of the first; rejects if it cannot be used yet. */
  readonly prepare?: () => Promise<void>
  /** The folder of the project. */
  readonly projectDirectory: string
}

/**
 * The context of one run. Nothing is created before it is used: a short task would spend most of its time on a log, a
 * folder and a list of processes it does not need.
 */
export class RunContext implements TaskContext {
  readonly settings: unknown
  readonly #claim: Claim
  readonly #environment: RunEnvironment
  #controller: AbortController | undefined
  #reason: AbortReason | undefined
  #onAbort: (() => void) | undefined
  #children: Promise<ChildProcesses> | undefined
  #workDirectory: string | undefined
  #taskLog: TaskLog | undefined
  #progress: Progress | undefined

  constructor(claim: Claim, settings: unknown, environment: RunEnvironment) {
    this.#claim = claim
    this.settings = settings
    this.#environment = environment
    // Destructured by processors, so they cannot depend on `this`.
    this.log = this.log.bind(this)
    this.progress = this.progress.bind(this)
    this.enqueue = this.enqueue.bind(this)
    this.find = this.find.bind(this)
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Records how long this run may take, in milliseconds, where its row says so: another worker goes by that too. */
  async limit(milliseconds: number): Promise<void> {
    const isHeld = await this.#environment.queue.limit(this.#claim.run, milliseconds).catch(() => true)
    if (!isHeld) this.abort(AbortReason.takenAway())
  }

  /** Why the task must end, once it must. */
  get reason(): AbortReason | undefined {
    return this.#reason
  }

  /** Calls back when the task must end. */
  onAbort(callback: () => void): void {
    this.#onAbort = callback
    if (this.#reason) callback()
  }

  /** Whether the run is still this worker's, as far as its lease tells, or else the database. */
  async isOurs(): Promise<boolean> {
    const { queue, lease } = this.#environment
    return !lease || lease.verify(async () => (await queue.stateOf(this.#claim.run)).isHeld)
  }

  get exec(): Exec {
    return async (command, args, options) => {
      // After the process was stopped for a while, another worker may be at this task by now.
      if (!(await this.isOurs())) this.abort(AbortReason.disconnected())
      this.#children ??= this.#openChildren()
      return (await this.#children).exec(command, args, options)
    }
  }

  get logFile(): string {
    return this.#log.file
  }

  get projectDirectory(): string {
    return this.#environment.projectDirectory
  }

  get stateDirectory(): string {
    return this.#environment.stateDirectory
  }

  get workDirectory(): string {
    if (this.#workDirectory === undefined) {
      const { queued, taskId, attempt } = this.#claim.run
      this.#workDirectory = workDirectory(this.stateDirectory, queued.table.name, taskId, attempt)
      createPrivateFolder(this.#workDirectory)
    }
    return this.#workDirectory
  }

  get env(): Readonly<Record<string, string>> {
    const { run } = this.#claim
    return {
      OPS_RUN_ID: String(run.id),
      OPS_TASK: `${run.queued.processor} ${run.taskId}`,
      OPS_PROJECT: this.#environment.projectDirectory,
      // Recovery finds processes by it that were not recorded in time.
      OPS_RUN: runMark(this.#environment.workerId, run.id),
    }
  }

  get database(): unknown {
    return this.#environment.queue.drizzle()
  }

  log(line: string): void {
    this.#log.write(redactText(line))
  }

  progress(fraction: number, note?: string): void {
    this.#progress ??= new Progress(async (report) => {
      const isHeld = await this.#environment.queue.report(this.#claim.run, report)
      if (!isHeld) this.abort(AbortReason.takenAway())
    })
    this.#progress.report(fraction, note && redactText(note))
  }

  async enqueue(table: TaskTable, values: object | readonly object[], { runAt }: ContextEnqueueOptions = {}) {
    const rows = (Array.isArray(values) ? values : [values]) as Record<string, unknown>[]
    requireValidTasks(table, rows)
    const added = await this.#environment.queue.enqueue(table, rows, { runAt, actor: this.env.OPS_TASK })
    return (Array.isArray(values) ? added : added[0]!) as never
  }

  async find<Select extends object>(table: TaskTable<Select>, id: number | string): Promise<Select | undefined> {
    return (await this.#environment.queue.find(table, id)) as Select | undefined
  }

  /** Makes the task end: its signal aborts and its processes are ended. */
  abort(reason: AbortReason): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#onAbort?.()
    void this.#endChildren()
  }

  /** Leaves nothing of the run but its log. */
  async close(): Promise<void> {
    await this.#endChildren()
    // A database that does not answer must not delay the end of a worker whose task ignores that it must end.
    if (this.#environment.lease?.isHeld !== false) await this.#progress?.close()
    if (this.#workDirectory !== undefined) rmSync(this.#workDirectory, { recursive: true, force: true, maxRetries: 3 })
    this.#taskLog?.close()
  }

  async #openChildren(): Promise<ChildProcesses> {
    // Imported for the first program: an idle worker needs no execa.
    const { ChildProcesses } = await import('./child-processes.ts')
    return new ChildProcesses({
      log: this.#log,
      env: this.env,
      signal: this.signal,
      // Looked up for each report: a test bench may replace it.
      report: (fraction, note) => this.progress(fraction, note),
      record: async (groups) => {
        const isHeld = await this.#environment.queue.recordProcessGroups(this.#claim.run, bootId(), groups)
        if (!isHeld) this.abort(AbortReason.takenAway())
      },
    })
  }

  async #endChildren(): Promise<void> {
    if (this.#children) await (await this.#children).end()
  }

  get #log(): TaskLog {
    const { queued, taskId, attempt } = this.#claim.run
    this.#taskLog ??= new TaskLog(
      logFile(this.stateDirectory, queued.table.name, taskId, attempt),
      this.#environment.maxLog,
    )
    return this.#taskLog
  }
}

/** The folder of one attempt at one task. */
export function workDirectory(stateDirectory: string, table: string, id: TaskId, attempt: number): string {
  return join(stateDirectory, 'work', table, `${id}.${attempt}`)
}

/** The value of `OPS_RUN` in the environment of a run's child processes: unique among all databases and machines. */
export function runMark(workerId: string, runId: number): string {
  return `${workerId}/${runId}`
}
