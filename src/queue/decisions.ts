import type { Status } from '../task/lifecycle.ts'
import { type Outcome, type OutcomeKind, statusAfter } from '../task/outcome.ts'

/** What a settlement writes: decided here for every database. */
export interface Settlement {
  readonly status: Exclude<Status, 'ongoing'>
  readonly outcome: OutcomeKind
  readonly error: string | null
  /** What follows "canceled by …" if the task is to be canceled, and so is not tried again; null if that makes no difference. */
  readonly ifCanceled: string | null
}

export function settlementOf(outcome: Outcome): Settlement {
  const status = statusAfter(outcome)
  const error = outcome.kind === 'succeeded' ? null : outcome.error
  const ifCanceled = status === 'pending' ? `; before, it had ${outcome.kind}: ${error}` : null
  return { status, outcome: outcome.kind, error, ifCanceled }
}

/** The same where the task is to be canceled instead of tried again. */
export function canceledInstead({ ifCanceled }: Settlement, canceledBy: string): Settlement {
  return { status: 'canceled', outcome: 'canceled', error: `canceled by ${canceledBy}${ifCanceled}`, ifCanceled: null }
}

/** What canceling a task does: `ask` its worker to stop it, `settle` it, or nothing. */
export function cancelDecision(status: Status, hasWorker: boolean): 'ask' | 'settle' | 'none' {
  if (status === 'ongoing') return hasWorker ? 'ask' : 'settle'
  return status === 'pending' ? 'settle' : 'none'
}

export function canRetry(status: Status): boolean {
  return status === 'failed' || status === 'canceled'
}
