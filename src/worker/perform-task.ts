import { toDurationText } from '../config/duration.ts'
import type { ReadyProcessor } from '../processor/ready-processor.ts'
import type { Claim } from '../queue/queue.ts'
import type { Outcome } from '../task/outcome.ts'
import { isTaskError } from '../task/task-error.ts'
import type { TaskTable } from '../task-table/task-table.ts'
import { EndOfTask } from './end-of-task.ts'
import type { RunContext } from './run-context.ts'

/** How long a task may go on after its signal has aborted and its processes are gone. */
const STUCK_AFTER_MS = 10_000

/** The longest delay that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** What one attempt came to. Never throws. */
export interface Performed {
  /** Undefined when the run was taken away and nothing may be written about it. */
  readonly outcome: Outcome | undefined
  /** The task goes on in this process although its run must end; only the end of the process ends it. */
  readonly isStuck: boolean
}

/**
 * Performs one task and turns whatever happens into an outcome.
 *
 * @param stuckAfter milliseconds that the task may go on after its signal has aborted
 */
export async function performTask(
  claim: Claim,
  { processor }: Pick<ReadyProcessor, 'processor'>,
  context: RunContext,
  stuckAfter = STUCK_AFTER_MS,
): Promise<Performed> {
  const timer = startTimeout(claim, context)
  let isStuck = false
  let outcome: Outcome | undefined
  try {
    // A processor that returns at once, without a promise, costs no turn of the loop.
    const result = processor.perform(claim.task, context)
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

function startTimeout({ run }: Claim, context: RunContext): NodeJS.Timeout | undefined {
  const { timeout } = run.queued
  if (timeout === undefined) return undefined
  return setTimeout(() => context.end(EndOfTask.timedOut(toDurationText(timeout))), Math.min(timeout, LONGEST_TIMER_MS))
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function'
}

class StuckTask extends Error {}

/** The result of a task, or StuckTask when it goes on long after it was asked to end. */
function untilStuck<T>(result: Promise<T>, context: RunContext, stuckAfter: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    context.whenEnding(() => {
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
  return `${got}, and "${table.name}" has the columns ${own.join(', ')}`
}

function failed(error: unknown, table: TaskTable, context: RunContext): Outcome {
  if (!context.reason) tryToLog(context, logged(error))
  const failure = { kind: 'failed', error: firstLine(error) } as const
  if (!isTaskError(error)) return failure
  const { columns, isFinal } = error
  const problem = problemOf(table, columns)
  if (problem === undefined) return { ...failure, columns, isFinal }
  tryToLog(context, `the columns of this error were not written: ${problem}`)
  return { ...failure, isFinal }
}

/** A TaskError has been worded for people; where any other was thrown helps whoever mends the processor. */
function logged(error: unknown): string {
  if (isTaskError(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function tryToLog(context: RunContext, text: string): void {
  try {
    context.log(text)
  } catch {
    // A full disk: the row still gets the error's line.
  }
}

/** One line that fits a table: execa's short message where there is one, since its long one repeats the output. */
function firstLine(error: unknown): string {
  const { shortMessage, message } = (error ?? {}) as { shortMessage?: unknown; message?: unknown }
  const text = [shortMessage, message, error].find((candidate) => typeof candidate === 'string' && candidate !== '')
  return String(text ?? 'failed without a message')
    .trim()
    .split('\n', 1)[0]!
    .slice(0, 1000)
}
