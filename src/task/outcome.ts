import type { Status } from './lifecycle.ts'

/** How a run ended, as `ops_runs` keeps it. */
export type OutcomeKind = 'succeeded' | 'failed' | 'timed_out' | 'interrupted' | 'crashed' | 'quarantined' | 'canceled'

/** The result of a run. Performing a task never throws: it returns an outcome, and one place settles it. */
export type Outcome = Success | Failure

export interface Success {
  readonly kind: 'succeeded'
  readonly columns: Readonly<Record<string, unknown>>
}

export interface Failure {
  readonly kind: Exclude<OutcomeKind, 'succeeded'>
  readonly error: string
  /** Written to the task's own columns even so. */
  readonly columns?: Readonly<Record<string, unknown>>
  /** A retry would not help. */
  readonly isFinal?: boolean
  /** The task goes back to `pending`, to be retried. */
  readonly return?: Return
}

export interface Return {
  /** Milliseconds from now; undefined where the task keeps its place in the queue. */
  readonly delay?: number
  /** Whether the attempt does not count. */
  readonly givesAttemptBack?: boolean
}

/** The status of a task after a run with this outcome. */
export function statusAfter(outcome: Outcome): Exclude<Status, 'ongoing'> {
  if (outcome.kind === 'succeeded' || outcome.kind === 'canceled') return outcome.kind
  return outcome.return ? 'pending' : 'failed'
}
