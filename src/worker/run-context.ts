import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bootId } from '../platform/leftover-groups.ts'
import type { ContextEnqueueOptions, Exec, TaskContext } from '../processor/task-context.ts'
import type { Claim, Queue, TaskId } from '../queue/queue.ts'
import { needRightTasks } from '../task-table/check-task.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import type { ChildProcesses } from './child-processes.ts'
import { EndOfTask } from './end-of-task.ts'
import { Progress } from './progress.ts'
import { logFile, TaskLog } from './task-log.ts'

/** What the contexts of all runs of one worker have in common. */
export interface RunEnvironment {
  readonly queue: Queue
  readonly workerId: string
  readonly stateDirectory: string
  /** The folder of the project. */
  readonly projectDirectory: string
}

/**
 * The context of one run. Nothing is made before it is used: most of a short task's time would be spent on a log,
 * a folder and a list of processes that it has no need for.
 */
export class RunContext implements TaskContext {
  readonly settings: unknown
  readonly #claim: Claim
  readonly #environment: RunEnvironment
  #abort: AbortController | undefined
  #endedBy: EndOfTask | undefined
  #onEnd: (() => void) | undefined
  #children: Promise<ChildProcesses> | undefined
  #folder: string | undefined
  #taskLog: TaskLog | undefined
  #reported: Progress | undefined

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
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#endedBy) this.#abort.abort(this.#endedBy)
    }
    return this.#abort.signal
  }

  /** Why the task was asked to end, if it was. */
  get reason(): EndOfTask | undefined {
    return this.#endedBy
  }

  /** Calls back when the task is asked to end. */
  whenEnding(callback: () => void): void {
    this.#onEnd = callback
    if (this.#endedBy) callback()
  }

  get exec(): Exec {
    return async (command, args, options) => {
      this.#children ??= this.#makeChildren()
      return (await this.#children).exec(command, args, options)
    }
  }

  get logFile(): string {
    return this.#logOfRun.file
  }

  get projectDirectory(): string {
    return this.#environment.projectDirectory
  }

  get stateDirectory(): string {
    return this.#environment.stateDirectory
  }

  get workDirectory(): string {
    if (this.#folder === undefined) {
      const { queued, taskId, attempt } = this.#claim.run
      this.#folder = workDirectory(this.stateDirectory, queued.table.name, taskId, attempt)
      mkdirSync(this.#folder, { recursive: true })
    }
    return this.#folder
  }

  get env(): Readonly<Record<string, string>> {
    const { run } = this.#claim
    return {
      OPS_RUN_ID: String(run.id),
      OPS_TASK: `${run.queued.processor} ${run.taskId}`,
      OPS_PROJECT: this.#environment.projectDirectory,
      // By this entry recovery finds processes that were not recorded in time.
      OPS_RUN: runMark(this.#environment.workerId, run.id),
    }
  }

  get database(): unknown {
    return this.#environment.queue.drizzle()
  }

  log(line: string): void {
    this.#logOfRun.write(line)
  }

  progress(fraction: number, note?: string): void {
    this.#reported ??= new Progress(async (report) => {
      const isHeld = await this.#environment.queue.report(this.#claim.run, report)
      if (!isHeld) this.end(EndOfTask.takenAway())
    })
    this.#reported.report(fraction, note)
  }

  async enqueue(table: TaskTable, values: object | readonly object[], { runAt }: ContextEnqueueOptions = {}) {
    const rows = (Array.isArray(values) ? values : [values]) as Record<string, unknown>[]
    needRightTasks(table, rows)
    const added = await this.#environment.queue.enqueue(table, rows, { runAt, actor: this.env.OPS_TASK })
    return (Array.isArray(values) ? added : added[0]!) as never
  }

  async find<Select extends object>(table: TaskTable<Select>, id: number | string): Promise<Select | undefined> {
    return (await this.#environment.queue.find(table, id)) as Select | undefined
  }

  /** Asks the task to end: its signal aborts and its child processes are ended. */
  end(reason: EndOfTask): void {
    if (this.#endedBy) return
    this.#endedBy = reason
    this.#abort?.abort(reason)
    this.#onEnd?.()
    void this.#endChildren()
  }

  /** Leaves nothing of the run behind but its log. */
  async close(): Promise<void> {
    await this.#endChildren()
    await this.#reported?.close()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
    this.#taskLog?.close()
  }

  async #makeChildren(): Promise<ChildProcesses> {
    // Imported with the first program: an idle worker does without execa.
    const { ChildProcesses } = await import('./child-processes.ts')
    return new ChildProcesses({
      log: this.#logOfRun,
      env: this.env,
      signal: this.signal,
      // Looked up with each report: a test may stand between.
      report: (fraction, note) => this.progress(fraction, note),
      record: async (groups) => {
        const isHeld = await this.#environment.queue.recordProcessGroups(this.#claim.run, bootId(), groups)
        if (!isHeld) this.end(EndOfTask.takenAway())
      },
    })
  }

  async #endChildren(): Promise<void> {
    if (this.#children) await (await this.#children).end()
  }

  get #logOfRun(): TaskLog {
    const { queued, taskId, attempt } = this.#claim.run
    this.#taskLog ??= new TaskLog(logFile(this.stateDirectory, queued.table.name, taskId, attempt))
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
