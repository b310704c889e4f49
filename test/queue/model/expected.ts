import type { Prerequisite, QueuedTable, Run, UnmetPrerequisite } from '../../../src/queue/queue.ts'
import type { Status } from '../../../src/task/lifecycle.ts'
import type { Outcome } from '../../../src/task/outcome.ts'
import { isSettled, transitions } from '../legal-changes.ts'

export interface Task {
  readonly queued: QueuedTable
  readonly id: number
  status: Status
  attempt: number
  runAt: number
  /** Set by the database's clock: adopted at the next comparison if it is close. */
  isRunAtRough: boolean
  hasStarted: boolean
  hasFinished: boolean
  error: string | null
  progress: number | null
  note: string | null
  /** The table's own columns, by their names in the database. */
  readonly own: Record<string, unknown>
}

export interface Attempt {
  readonly id: number
  readonly task: Task
  readonly attempt: number
  readonly worker: string
  readonly key: string | null
  readonly deadlineAt: number | undefined
  /** Undefined if a client other than ops started it. */
  readonly handle: Run | undefined
  isOpen: boolean
  outcome: string | null
  error: string | null
  askedBy: string | undefined
}

export interface Entry {
  readonly task: string | null
  readonly run: number | null
  readonly event: string
  readonly from: string | null
  readonly to: string | null
  /** Undefined for a client other than ops, which each database names differently. */
  readonly actor: string | null | undefined
  readonly detail: unknown
}

export interface Schedule {
  definition: string
  since: number
  lastTick: number | undefined
  lastTask: { table: string; id: number } | undefined
}

/** The expected state of a queue: the rules, without a database. */
export class Expected {
  readonly tasks: Task[] = []
  readonly runs: Attempt[] = []
  readonly audit: Entry[] = []
  readonly holds = new Map<string, { actor: string; reason: string | undefined }>()
  readonly schedules = new Map<string, Schedule>()

  tasksOf(table: string): Task[] {
    return this.tasks.filter(({ queued }) => queued.table.name === table)
  }

  openRunOf(task: Task): Attempt | undefined {
    return this.runs.find((run) => run.task === task && run.isOpen)
  }

  /** Whether a worker, and not a client other than ops, has the open run. */
  isPerformed(task: Task): boolean {
    return this.openRunOf(task)?.handle !== undefined
  }

  keyOf({ queued: { exclusivity }, own }: Task): string | null {
    if (exclusivity.kind === 'none') return null
    if (exclusivity.kind === 'table') return exclusivity.key
    const value = own[exclusivity.column]
    return value === null ? null : `${exclusivity.name}:${value}`
  }

  isFree(task: Task): boolean {
    const key = this.keyOf(task)
    if (this.holds.has(`processor:${task.queued.processor}`)) return false
    return key === null || !(this.holds.has(key) || this.runs.some((run) => run.isOpen && run.key === key))
  }

  /** The task that a claim must return now. */
  next(tables: readonly QueuedTable[], now: number): Task | undefined {
    for (const queued of tables) {
      const [first] = this.tasks
        .filter((task) => task.queued === queued && task.status === 'pending' && task.runAt <= now)
        .filter((task) => this.isFree(task) && this.#prerequisites(task).every(({ status }) => isSettled(status)))
        .sort((a, b) => a.runAt - b.runAt || a.id - b.id)
      if (first) return first
    }
    return undefined
  }

  unmet(task: Task): UnmetPrerequisite | undefined {
    const found = this.#prerequisites(task).find(({ status }) => status !== 'succeeded')
    return found && { table: found.queued.table.name, id: found.id, status: found.status }
  }

  /** The unsettled task that prevents another with these values. */
  alike(queued: QueuedTable, own: Readonly<Record<string, unknown>>): Task | undefined {
    if (queued.unique.length === 0) return undefined
    return this.tasks.find(
      (task) =>
        task.queued === queued &&
        !isSettled(task.status) &&
        queued.unique.every((column) => task.own[column] === own[column]),
    )
  }

  add(queued: QueuedTable, id: number, own: Record<string, unknown>, runAt: number, actor: string | undefined): Task {
    const task: Task = {
      ...{ queued, id, own, runAt, status: 'pending', attempt: 0, isRunAtRough: true },
      ...{ hasStarted: false, hasFinished: false, error: null, progress: null, note: null },
    }
    this.tasks.push(task)
    this.record(task, null, 'enqueued', null, 'pending', actor)
    return task
  }

  begin(task: Task, run: number, worker: string, now: number, handle: Run | undefined): Attempt {
    const { timeout } = task.queued
    const attempt: Attempt = {
      ...{ id: run, task, worker, handle, attempt: task.attempt + 1, key: this.keyOf(task), isOpen: true },
      ...{ outcome: null, error: null, askedBy: undefined },
      deadlineAt: handle && timeout !== undefined ? now + timeout : undefined,
    }
    this.runs.push(attempt)
    this.record(task, run, 'started', task.status, 'ongoing', handle ? worker : undefined)
    task.status = 'ongoing'
    if (handle) {
      const { attempt: count } = attempt
      Object.assign(task, { attempt: count, error: null, progress: null, note: null })
      Object.assign(task, { hasStarted: true, hasFinished: false })
    }
    return attempt
  }

  /** The status after an outcome: a task that is to be canceled is not retried. */
  statusAfter({ askedBy }: Attempt, outcome: Outcome): Status {
    if (outcome.kind === 'succeeded' || outcome.kind === 'canceled') return outcome.kind
    if (!outcome.return) return 'failed'
    return askedBy === undefined ? 'pending' : 'canceled'
  }

  /** Settles a run, for its worker or for another; false if it was taken away. */
  settle(run: Attempt, outcome: Outcome, now: number, by = run.worker): boolean {
    if (!run.isOpen) return false
    const { task, askedBy } = run
    const to = this.statusAfter(run, outcome)
    task.hasFinished = true
    for (const [key, value] of Object.entries(outcome.columns ?? {}))
      task.own[task.queued.table.columns[key]!.name] = value
    if (outcome.kind === 'succeeded') {
      Object.assign(task, { progress: 1, note: null, error: null })
      this.#end(run, to, 'succeeded', null, by)
      return true
    }
    const { kind, error: said, return: back } = outcome
    const isOverruled = to === 'canceled' && kind !== 'canceled'
    const error = isOverruled ? `canceled by ${askedBy}; before, it had ${kind}: ${said}` : said
    task.error = error
    if (to === 'pending') {
      if (back?.givesAttemptBack) task.attempt -= 1
      if (back?.delay !== undefined) Object.assign(task, { runAt: now + back.delay, isRunAtRough: true })
    }
    this.#end(run, to, isOverruled ? 'canceled' : kind, error, by)
    return true
  }

  /** Whether a client other than ops may change a task's status this way. */
  isLegal(task: Task, to: Status): boolean {
    if (task.status === to) return true
    if (!transitions[task.status].includes(to)) return false
    if (to === 'ongoing') return this.isFree(task)
    return isSettled(task.status) ? this.alike(task.queued, task.own) === undefined : true
  }

  /** Changes a task's status, except to start a run. */
  change(task: Task, to: Status, actor: string | undefined): void {
    const run = this.openRunOf(task)
    if (task.status === to) return
    if (run) this.#end(run, to, to === 'pending' ? 'returned' : to, task.error, actor)
    else {
      this.record(task, null, to === 'pending' ? 'retried' : to, task.status, to, actor)
      task.status = to
    }
  }

  record(
    task: Task | null,
    run: number | null,
    event: string,
    from: string | null,
    to: string | null,
    actor: Entry['actor'],
    detail: unknown = null,
  ): void {
    const name = task && `${task.queued.table.name} ${task.id}`
    this.audit.push({ task: name, run, event, from, to, actor, detail })
  }

  #end(run: Attempt, to: Status, outcome: string, error: string | null, actor: string | undefined): void {
    const { task } = run
    const event = to === 'pending' ? 'returned' : to
    const decided = outcome === event ? null : { outcome, error }
    const detail = decided ?? (to === 'failed' && error !== null ? { error } : null)
    this.record(task, run.id, event, 'ongoing', to, actor, detail)
    Object.assign(run, { isOpen: false, outcome, error })
    task.status = to
  }

  #prerequisites({ queued, own }: Task): Task[] {
    return queued.after.flatMap(({ column, table }: Prerequisite) =>
      own[column] === null ? [] : [this.tasksOf(table).find(({ id }) => id === own[column])!],
    )
  }
}
