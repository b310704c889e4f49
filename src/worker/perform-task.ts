import { parseDuration, toDurationText } from '../config/duration.ts'
import { exitStatus, OpsError } from '../errors.ts'
import { LONGEST_TIMER_MS } from '../platform/stop.ts'
import { checkRow } from '../processor/check-row.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim } from '../queue/queue.ts'
import { redactText } from '../redact.ts'
import type { Outcome } from '../task/outcome.ts'
import { isTaskError } from '../task/task-error.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { AbortReason } from './abort-reason.ts'
import type { RunContext } from './run-context.ts'

/** How long a task may keep running after its signal has aborted and its processes are gone. */
export const STUCK_AFTER_MS = 10_000

/** How one attempt ended. */
export interface Performed {
  /** Undefined when the run was taken away: nothing may be written about it. */
  readonly outcome: Outcome | undefined
  /** The task ignores that it must end; only the end of this process ends it. */
  readonly isStuck: boolean
}

/**
 * Performs one task and turns whatever happens into an outcome. Never throws.
 *
 * @param stuckAfter milliseconds the task may keep running after its signal has aborted
 */
export async function performTask(
  claim: Claim,
  { processor }: Pick<ReadyProcessor, 'processor'>,
  context: RunContext,
  stuckAfter = STUCK_AFTER_MS,
): Promise<Performed> {
  const limit = taskLimit(claim, processor, context.settings)
  if (limit !== claim.run.queued.timeout) await context.limit(limit!)
  const timer = startTimeout(limit, context)
  let isStuck = false
  let outcome: Outcome | undefined
  try {
    const { task } = claim
    const checked = checkRow(processor, task, context.settings)
    if (checked) await checked
    // A processor that returns without a promise costs no turn of the event loop.
    const result = processor.perform(task, context)
    const columns = isPromise(result) ? await untilStuck(result, context, stuckAfter) : result
    outcome = succeeded(claim.run.queued.table, columns)
  } catch (error) {
    isStuck = error instanceof StuckTask
    outcome = failed(error, claim.run.queued.table, context)
  } finally {
    clearTimeout(timer)
  }
  try {
    await context.close()
  } catch (error) {
    outcome = failed(error, claim.run.queued.table, context)
  }
  if (context.reason) outcome = context.reason.outcome
  return { outcome, isStuck }
}

/** How long a task may take, in milliseconds: by its processor, or by its row if that is shorter. */
export function taskLimit(
  claim: Claim,
  { taskTimeout }: Pick<ReadyProcessor['processor'], 'taskTimeout'>,
  settings: unknown,
): number | undefined {
  const { timeout } = claim.run.queued
  if (!taskTimeout) return timeout
  try {
    const text = taskTimeout(claim.task, settings)
    return Math.min(timeout ?? Number.POSITIVE_INFINITY, parseDuration(text ?? '', 'timeout'))
  } catch {
    return timeout
  }
}

function startTimeout(timeout: number | undefined, context: RunContext): NodeJS.Timeout | undefined {
  if (timeout === undefined) return undefined
  return setTimeout(
    () => context.abort(AbortReason.timedOut(toDurationText(timeout))),
    Math.min(timeout, LONGEST_TIMER_MS),
  )
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

class StuckTask extends Error {}

/** The result of a task. Rejects with StuckTask when it keeps running long after its signal has aborted. */
function untilStuck<T>(result: Promise<T>, context: RunContext, stuckAfter: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    context.onAbort(() => {
      timer = setTimeout(() => reject(new StuckTask()), stuckAfter)
    })
    result.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function succeeded(table: TaskTable, columns: unknown): Outcome {
  if (columns === undefined || columns === null) return { kind: 'succeeded', columns: {} }
  const problem = problemOf(table, columns)
  if (problem !== undefined) return { kind: 'failed', error: `the processor returned ${problem}` }
  return { kind: 'succeeded', columns: columns as Record<string, unknown> }
}

function problemOf(table: TaskTable, columns: object): string | undefined {
  const unknown = Object.keys(columns).filter(
    (key) => !Object.hasOwn(table.columns, key) || table.columns[key]!.isLifecycle,
  )
  if (typeof columns === 'object' && unknown.length === 0) return undefined
  const own = Object.values(table.columns).flatMap(({ key, isLifecycle }) => (isLifecycle ? [] : [key]))
  const got = typeof columns === 'object' ? unknown.join(', ') : typeof columns
  return `${got}; the columns of "${table.name}" are ${own.join(', ')}`
}

function failed(error: unknown, table: TaskTable, context: RunContext): Outcome {
  if (!context.reason) tryToLog(context, textOf(error))
  const failure = { kind: 'failed', error: firstLine(error) } as const
  if (!isTaskError(error)) return failure
  const { columns, isFinal } = error
  const problem = problemOf(table, columns)
  if (problem === undefined) return { ...failure, columns, isFinal }
  tryToLog(context, `the columns of this error were not written: ${problem}`)
  return { ...failure, isFinal }
}

/** A TaskError is worded for people; of any other the stack helps to fix the processor. */
function textOf(error: unknown): string {
  if (isTaskError(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function tryToLog(context: RunContext, text: string): void {
  try {
    context.log(text)
  } catch {
    // The disk is full: the row still gets the error's first line.
  }
}

/** One line that fits a table: execa's short message, since its long one repeats the output. */
function firstLine(error: unknown): string {
  const { shortMessage, message } = (error ?? {}) as { shortMessage?: unknown; message?: unknown }
  const text = [shortMessage, message, error].find((candidate) => typeof candidate === 'string' && candidate !== '')
  return redactText(String(text ?? 'failed without a message'))
    .trim()
    .split('\n', 1)[0]!
    .slice(0, 1000)
}

/**
 * Only the end of its process ends such a task.
 *
 * @param isStopping whether the worker was stopping anyway, so that it has not failed
 */
export function taskStuck(task: string, isStopping: boolean): OpsError {
  return new OpsError('TASK_STUCK', `${task} is still running although its signal has aborted; the worker exits.`, {
    exit: isStopping ? 0 : exitStatus.failed,
    suggestions: [
      'check context.signal in the processor',
      'start the worker again; start-services and systemd do so automatically',
    ],
  })
}
