import { type Problem, suggestionLine } from '../errors.ts'
import { formatCount, formatDuration } from '../format.ts'
import type { StopStep } from '../platform/stop.ts'
import type { EnqueuedTask, MigrationStep, OpenRun, QueuedTable, Run } from '../queue/queue.ts'
import { type Outcome, type Return, statusAfter } from '../task/outcome.ts'
import type { DueTick, Schedule } from './schedule.ts'

type Level = 'info' | 'warn' | 'error'

/** One line per event: text for people, JSON for programs. */
export class WorkerLog {
  readonly #write: (text: string) => void
  readonly #asJson: boolean
  #lines = ''
  /** The name of the running task. */
  #task: string | undefined

  constructor(write: (text: string) => void, asJson: boolean) {
    this.#write = write
    this.#asJson = asJson
  }

  polling(processors: readonly string[], database: string): void {
    const text = `polling ${database} for ${processors.join(', ') || 'no processor'}`
    this.#line('info', 'polling', text, { processors, database })
  }

  started(run: Run): void {
    this.#task = nameOf(run)
    this.#line('info', 'started', `started ${this.#task}`, fieldsOf(run))
  }

  ended(run: Run, outcome: Outcome, durationMs: number): void {
    this.#task = undefined
    const duration = formatDuration(durationMs)
    const fields = { ...fieldsOf(run), durationMs: Math.round(durationMs) }
    if (outcome.kind === 'succeeded') {
      this.#line('info', 'succeeded', `${nameOf(run)} succeeded in ${duration}`, fields)
      return
    }
    const { kind, error } = outcome
    const status = statusAfter(outcome)
    const text =
      status === 'canceled' ? `${nameOf(run)} was ${error}` : `${nameOf(run)} failed after ${duration}: ${error}`
    const retry = outcome.return && { retryInMs: outcome.return.delay ?? 0 }
    this.#line(status === 'failed' ? 'error' : 'warn', kind, `${text}${formatReturn(outcome.return)}`, {
      ...fields,
      error,
      status,
      ...retry,
    })
  }

  takenAway(run: Run): void {
    this.#task = undefined
    const text = `${nameOf(run)}: run ${run.id} was taken away; its processes were ended and nothing was written`
    this.#line('warn', 'taken_away', text, fieldsOf(run))
  }

  recovered(run: OpenRun, { processor }: QueuedTable, outcome: Outcome): void {
    const task = `${processor} ${run.taskId}`
    const [error, back] = outcome.kind === 'succeeded' ? [''] : [outcome.error, outcome.return]
    const text = `recovered ${task}: ${error}${formatReturn(back)}`
    this.#line('warn', 'recovered', text, { task, run: run.id, worker: run.workerId })
  }

  ticked({ name: schedule, queued }: Schedule, { at, isRun }: DueTick, task: EnqueuedTask | undefined): void {
    const tick = at.toISOString()
    const name = task && `${queued.processor} ${task.id}`
    const text = isRun
      ? `schedule ${schedule}: ${task?.isNew ? `enqueued ${name}` : `${name} already exists`} for ${tick}`
      : `schedule ${schedule}: skipped ${tick}, no worker was running`
    this.#line('info', 'tick', text, { schedule, tick, task: name })
  }

  stopping(step: StopStep, signal: NodeJS.Signals): void {
    this.#line('info', 'stopping', `${signal}: ${this.#formatStop(step)}`, { step, signal, task: this.#task })
  }

  databaseFailed(what: string, error: unknown, retryInMs: number): void {
    const message = (error as Error).message.replace(/\.$/, '')
    const text = `${what} failed: ${message}; retrying in ${formatDuration(retryInMs)}`
    this.#line('error', 'database', text, { what, error: message, retryInMs })
  }

  problem({ code, severity, where, message, suggestions }: Problem): void {
    const text = [message, ...suggestions.map(suggestionLine)].join(' ')
    const level = severity === 'warning' ? 'warn' : severity
    this.#line(level, 'problem', text, { code, where, suggestions })
  }

  migrated(steps: readonly MigrationStep[]): void {
    const created = steps.find(({ kind }) => kind === 'create_database')?.name
    const count = steps.filter(({ kind }) => kind === 'migration').length
    const done = [
      ...(created === undefined ? [] : [`created the database ${created}`]),
      count === 0 ? 'installed guarantees' : `applied ${formatCount(count, 'migration')}`,
    ]
    this.#line('info', 'migrated', done.join(', '), { count, created })
  }

  stopped(): void {
    this.#line('info', 'stopped', 'stopped', {})
    this.#flush()
  }

  /** Written once a turn of the event loop: a worker that drains short tasks would spend its time writing lines. */
  #line(level: Level, event: string, message: string, fields: object): void {
    if (this.#lines === '') setImmediate(() => this.#flush())
    const at = new Date().toISOString()
    this.#lines += this.#asJson
      ? `${JSON.stringify({ at, level, event, ...fields, message })}\n`
      : `${at.slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${message}\n`
  }

  #formatStop(step: StopStep): string {
    if (this.#task === undefined) return 'stopping'
    return step === 'requested'
      ? `finishing ${this.#task}, then stopping; signal again to stop now`
      : `interrupting ${this.#task}, then stopping`
  }

  #flush(): void {
    if (this.#lines !== '') this.#write(this.#lines)
    this.#lines = ''
  }
}

function formatReturn(back: Return | undefined): string {
  if (!back) return ''
  return back.delay === undefined ? '; pending again' : `; retrying in ${formatDuration(back.delay)}`
}

function nameOf({ queued, taskId }: Run): string {
  return `${queued.processor} ${taskId}`
}

function fieldsOf(run: Run): object {
  return { task: nameOf(run), run: run.id, attempt: run.attempt }
}
