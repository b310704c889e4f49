import { type Problem, suggestionLine } from '../errors.ts'
import { formatBytes, formatCount, formatDuration, formatName, oneLine, terminalJson } from '../format.ts'
import type { StopStep } from '../platform/stop.ts'
import type { Divergence, EnqueuedTask, MigrationStep, OpenRun, QueuedTable, Run } from '../queue/queue.ts'
import { redactText, redactValue } from '../redact.ts'
import { type Outcome, statusAfter } from '../task/outcome.ts'
import { fieldsOf, formatAdded, formatKept, formatReturn, messageOf, nameOf } from './format-event.ts'
import type { DueTick, Schedule } from './schedule.ts'

type Level = 'info' | 'warn' | 'error'

/** One line per event: text for people, JSON for programs. */
export class WorkerLog {
  readonly #write: (text: string) => void
  readonly #asJson: boolean
  #latest = { ms: 0, text: '' }
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

  /** Its table has waited too long. */
  turn(run: Run, waitedMs: number): void {
    const text = `${nameOf(run)} has been due for ${formatDuration(waitedMs)}: it comes before tasks of higher priority`
    this.#line('info', 'turn', text, { ...fieldsOf(run), waitedMs: Math.round(waitedMs) })
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

  /** Somebody has changed or deleted the task past the triggers. */
  diverged(run: Run, { found, status }: Divergence): void {
    const what = found === undefined ? 'was deleted' : `was set to "${found}"`
    const now = found === undefined ? 'only the end of its run is recorded' : formatKept(found, status)
    const text = `${nameOf(run)} ${what} by another program while it ran, past the triggers; ${now}`
    this.#line('warn', 'diverged', text, { ...fieldsOf(run), found, status })
  }

  takenAway(run: Run): void {
    this.#task = undefined
    const text = `${nameOf(run)}: run ${run.id} was taken away; its processes were ended and nothing was written`
    this.#line('warn', 'taken_away', text, fieldsOf(run))
  }

  disconnected(run: Run): void {
    const text = `lost contact with the database: interrupting ${nameOf(run)} before another worker takes it over`
    this.#line('warn', 'disconnected', text, fieldsOf(run))
  }

  databaseReplaced(database: string): void {
    const running =
      this.#task === undefined ? '' : `; if it does not know the run of ${this.#task}, its end is not written`
    this.#line('warn', 'replaced', `another file has taken the place of ${database} and is open now${running}`, {
      database,
    })
  }

  /** The end of a run still waits for the database. */
  waitingToEnd(run: Run, { kind }: Outcome, error: unknown): void {
    const reason = error === undefined ? 'which is locked or does not answer' : messageOf(error)
    const text = `${nameOf(run)}: waiting to write the end of run ${run.id} (${formatName(kind)}) to the database: ${reason}`
    this.#line('warn', 'waiting_to_end', text, fieldsOf(run))
  }

  /** The worker has to stop. */
  leftToRecovery(run: Run, { kind }: Outcome, error: unknown): void {
    this.#task = undefined
    const reason = error === undefined ? '' : `: ${messageOf(error)}`
    const text = `${nameOf(run)}: the end of run ${run.id} (${formatName(kind)}) was not written${reason}; the next worker recovers it`
    this.#line('error', 'left_to_recovery', text, { ...fieldsOf(run), outcome: kind })
  }

  /** The problem with its table is told once for all. */
  notWritten(): void {
    this.#task = undefined
  }

  claimingAgain({ processor, table }: QueuedTable): void {
    const text = `claiming ${table.name} again: the table has changed`
    this.#line('info', 'claiming_again', text, { processor })
  }

  installedAgain({ processor, table }: QueuedTable): void {
    const text = `installed the triggers and indexes of ${table.name} again, which were missing`
    this.#line('warn', 'installed_again', text, { processor })
  }

  pruned(tasks: number, { files, bytes }: { files: number; bytes: number }): void {
    const text = `pruned ${formatCount(tasks, 'task')} and ${formatCount(files, 'file')} (${formatBytes(bytes)})`
    this.#line('info', 'pruned', text, { tasks, files, bytes })
  }

  recovered(run: OpenRun, { processor }: QueuedTable, outcome: Outcome): void {
    const task = `${processor} ${run.taskId}`
    const [error, back] = outcome.kind === 'succeeded' ? [''] : [outcome.error, outcome.return]
    const text = `recovered ${task}: ${error}${formatReturn(back)}`
    this.#line('warn', 'recovered', text, { task, run: run.id, worker: run.workerId })
  }

  /** Other runs are recovered even so. */
  notRecovered(run: OpenRun, { processor }: QueuedTable, refusal: Error): void {
    const task = `${processor} ${run.taskId}`
    const text = `${task} cannot be recovered: the end of run ${run.id} cannot be written, ${messageOf(refusal)}`
    this.#line('error', 'not_recovered', text, { task, run: run.id, worker: run.workerId })
  }

  /** @param failure why the task of this tick could not be added before */
  ticked(
    { name: schedule, queued }: Schedule,
    { at, isRun }: DueTick,
    task: EnqueuedTask | undefined,
    failure?: string,
  ): void {
    const tick = at.toISOString()
    const name = task && `${queued.processor} ${task.id}`
    const skipped = failure === undefined ? 'no worker was running' : `its task could not be added in time: ${failure}`
    const text = isRun
      ? `schedule ${schedule}: ${formatAdded(task, name)} for ${tick}`
      : `schedule ${schedule}: skipped ${tick}, ${skipped}`
    this.#line('info', 'tick', text, { schedule, tick, task: name })
  }

  scheduleFailed({ name: schedule, queued }: Schedule, { at }: DueTick, error: string): void {
    const tick = at.toISOString()
    const text = `schedule ${schedule}: cannot add its ${queued.processor} for ${tick}: ${error.replace(/\.$/, '')}; trying again`
    this.#line('error', 'schedule_failed', text, { schedule, tick, error })
  }

  scheduleRestarted({ name: schedule }: Schedule, from: Date): void {
    const last = from.toISOString()
    const text = `schedule ${schedule}: the last tick, ${last}, is in the future, so a clock was wrong; ticks count from now on`
    this.#line('warn', 'schedule_restarted', text, { schedule, last })
  }

  scheduleRemoved(schedule: string): void {
    const text = `schedule ${schedule}: not in this configuration; if it is added again, it starts over`
    this.#line('info', 'schedule_removed', text, { schedule })
  }

  stopping(step: StopStep, signal: NodeJS.Signals): void {
    this.#line('info', 'stopping', `${signal}: ${this.#formatStop(step)}`, { step, signal, task: this.#task })
  }

  /** @param retryInMs undefined if it is not tried again */
  databaseFailed(what: string, error: unknown, retryInMs?: number): void {
    const message = messageOf(error)
    const retry = retryInMs === undefined ? '' : `; retrying in ${formatDuration(retryInMs)}`
    const text = `${what} failed: ${message}${retry}`
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
    const at = this.#timestamp()
    this.#lines += this.#asJson
      ? `${terminalJson(JSON.stringify(redactValue({ at, level, event, ...fields, message })))}\n`
      : `${at.slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${oneLine(redactText(message))}\n`
  }

  /** A worker that drains writes several lines within a millisecond. */
  #timestamp(): string {
    const now = Date.now()
    if (now !== this.#latest.ms) this.#latest = { ms: now, text: new Date(now).toISOString() }
    return this.#latest.text
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
