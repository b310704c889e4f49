import { toDurationText } from '../config/duration.ts'
import type { ResultRefusedError } from '../errors.ts'
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

/** Of a run whose worker died. */
export function outcomeOfDead(run: OpenRun, { retryRules }: Pick<QueuedTable, 'retryRules'>): Outcome {
  const error = `worker ${run.workerId} died`
  if (run.cancelRequestedBy !== undefined) {
    return { kind: 'canceled', error: `canceled by ${run.cancelRequestedBy}; ${error}` }
  }
  return applyRetryRules({ kind: 'crashed', error }, retryRules, run)
}

/** Of a run long past its deadline: its worker is stopped or hangs. */
export function outcomeOfOverdue({ workerId }: OpenRun, { timeout }: Pick<QueuedTable, 'timeout'>): Outcome {
  const after = timeout === undefined ? '' : ` after ${toDurationText(timeout)}`
  return { kind: 'timed_out', error: `timed out${after}; worker ${workerId} did not end it` }
}
