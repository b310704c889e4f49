import { toDurationText } from '../config/duration.ts'
import type { ResultRefusedError } from '../errors.ts'
import { oneLine } from '../format.ts'
import type { OpenRun, QueuedTable, TaskId, UnmetPrerequisite } from '../queue/queue.ts'
import type { Failure, Outcome } from '../task/outcome.ts'
import { applyRetryRules } from '../task/retry-rules.ts'

/* The outcomes that no processor decides. */

const STATUS_NOW = {
  pending: 'is pending again',
  ongoing: 'is running again',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'was canceled',
} as const

/** Of a task whose prerequisite cannot be met: it fails without being tried, since a retry would change nothing. */
export function outcomeOfUnmet(
  { table, id, status }: UnmetPrerequisite,
  nameOf: (table: string, id: TaskId) => string,
): Failure {
  const name = nameOf(table, id)
  return { kind: 'failed', error: status === undefined ? `${name} does not exist` : `${name} ${STATUS_NOW[status]}` }
}

/** Of a run whose columns the table refused: the same without them. */
export function outcomeOfRefused(outcome: Outcome, refusal: ResultRefusedError): Failure {
  if (outcome.kind === 'succeeded') return { kind: 'failed', error: refusal.message }
  const { columns: _, ...rest } = outcome
  return { ...rest, error: `${rest.error}; ${refusal.message}` }
}

/**
 * Of a run whose end the database refuses even without columns: failures to try in turn, each easier to write than the one
 * before. No text in them is one that a database refuses.
 */
export function outcomesOfUnwritable(outcome: Outcome, refusal: Error): Failure[] {
  const before = outcome.kind === 'succeeded' ? 'the run had succeeded' : `its error was: ${outcome.error}`
  const reason = oneLine(refusal.message.split('\n', 1)[0])
  return [`${UNWRITABLE}, ${reason}; ${before}`, UNWRITABLE].map((error) => ({
    kind: 'failed',
    error: oneLine(error)
      .replaceAll(/\p{Surrogate}/gu, '')
      .slice(0, LONGEST_ERROR),
  }))
}

const UNWRITABLE = 'its end could not be written'

const LONGEST_ERROR = 1000

/** Of a run whose worker died. */
export function outcomeOfDead(run: OpenRun, { retryRules }: Pick<QueuedTable, 'retryRules'>): Outcome {
  const error = `worker ${run.workerId} died`
  if (run.cancelRequestedBy !== undefined) {
    return { kind: 'canceled', error: `canceled by ${run.cancelRequestedBy}; ${error}` }
  }
  return applyRetryRules({ kind: 'crashed', error }, retryRules, run)
}

/** Of a run long past its deadline: its worker is stopped or hangs. */
export function outcomeOfOverdue({ workerId, startedAt, deadlineAt }: OpenRun): Outcome {
  const after = deadlineAt ? ` after ${toDurationText(deadlineAt.getTime() - startedAt.getTime())}` : ''
  return { kind: 'timed_out', error: `timed out${after}; worker ${workerId} did not end it` }
}
