import { formatDuration } from '../format.ts'
import type { EnqueuedTask, OpenRun, QueuedTable, Run } from '../queue/queue.ts'
import { type Outcome, type Return, statusAfter } from '../task/outcome.ts'
import type { DueTick, Schedule } from './schedule.ts'

type Level = 'info' | 'warn' | 'error'

/** One line an event: for people on a terminal, JSON for everything else. */
export class WorkerLog {
  readonly #write: (text: string) => void
  readonly #asJson: boolean
  #lines = ''
  /** The task that is under way. */
  #atHand: string | undefined

  constructor(write: (text: string) => void, asJson: boolean) {
    this.#write = write
    this.#asJson = asJson
  }

  polling(processors: readonly string[], database: string): void {
    this.#line('info', 'polling', `polling ${database} for ${processors.join(', ') || 'nothing'}`, {
      processors,
      database,
    })
  }

  started(run: Run): void {
    this.#atHand = name(run)
    this.#line('info', 'started', `${name(run)} started`, facts(run))
  }

  ended(run: Run, outcome: Outcome, milliseconds: number): void {
    this.#atHand = undefined
    const took = formatDuration(milliseconds)
    const details = { ...facts(run), milliseconds: Math.round(milliseconds) }
    if (outcome.kind === 'succeeded') {
      this.#line('info', 'succeeded', `${name(run)} succeeded in ${took}`, details)
      return
    }
    const { kind, error } = outcome
    const status = statusAfter(outcome)
    const text = status === 'canceled' ? `${name(run)} was ${error}` : `${name(run)} failed after ${took}: ${error}`
    const next = outcome.return && { againIn: outcome.return.delay ?? 0 }
    this.#line(status === 'failed' ? 'error' : 'warn', kind, `${text}${whatFollows(outcome.return)}`, {
      ...details,
      error,
      status,
      ...next,
    })
  }

  takenAway(run: Run): void {
    this.#atHand = undefined
    const text = `${name(run)}: run ${run.id} was taken away, so its processes were ended and nothing was written`
    this.#line('warn', 'taken_away', text, facts(run))
  }

  recovered(run: OpenRun, { processor }: QueuedTable, outcome: Outcome): void {
    const [error, back] = outcome.kind === 'succeeded' ? [''] : [outcome.error, outcome.return]
    const text = `${processor} ${run.taskId} recovered: ${error}${whatFollows(back)}`
    this.#line('warn', 'recovered', text, { task: `${processor} ${run.taskId}`, run: run.id, worker: run.workerId })
  }

  ticked({ name: schedule, queued }: Schedule, { at, isRun }: DueTick, task: EnqueuedTask | undefined): void {
    const tick = at.toISOString()
    const added = task && `${queued.processor} ${task.id}`
    const text = isRun
      ? `schedule ${schedule}: ${task?.isNew ? 'added' : 'there already is'} ${added}, for ${tick}`
      : `schedule ${schedule}: no worker was there at ${tick}, so it is skipped`
    this.#line('info', 'tick', text, { schedule, tick, task: added })
  }

  stopping(step: 'claiming' | 'force', signal: string): void {
    this.#line('info', 'stopping', `${signal}: ${this.#whatFollows(step)}`, { step, signal, task: this.#atHand })
  }

  databaseFailed(what: string, error: unknown, pause: number): void {
    const message = (error as Error).message.replace(/\.$/, '')
    this.#line('error', 'database', `${what} failed: ${message}; trying again in ${formatDuration(pause)}`, {
      what,
      error: message,
    })
  }

  leftOut(problem: string): void {
    this.#line('warn', 'left_out', problem, {})
  }

  migrated(count: number): void {
    this.#line('info', 'migrated', `the database was migrated: ${count} changes`, { count })
  }

  stopped(): void {
    this.#line('info', 'stopped', 'stopped', {})
    this.#flush()
  }

  /** Collected for one turn of the event loop: a worker that drains short tasks would spend its time on writing lines. */
  #line(level: Level, event: string, text: string, details: object): void {
    if (this.#lines === '') setImmediate(() => this.#flush())
    const at = new Date().toISOString()
    this.#lines += this.#asJson
      ? `${JSON.stringify({ at, level, event, ...details, message: text })}\n`
      : `${at.slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${text}\n`
  }

  #whatFollows(step: 'claiming' | 'force'): string {
    if (this.#atHand === undefined) return 'ending'
    return step === 'claiming'
      ? `finishing ${this.#atHand}, then ending; once more ends it now`
      : `ending ${this.#atHand} now`
  }

  #flush(): void {
    if (this.#lines !== '') this.#write(this.#lines)
    this.#lines = ''
  }
}

function whatFollows(back: Return | undefined): string {
  if (!back) return ''
  return back.delay === undefined ? '; it is pending again' : `; trying again in ${formatDuration(back.delay)}`
}

function name({ queued, taskId }: Run): string {
  return `${queued.processor} ${taskId}`
}

function facts(run: Run): object {
  return { task: name(run), run: run.id, attempt: run.attempt }
}
