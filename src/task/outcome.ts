import type { Status } from './lifecycle.ts'

/** How a run ended, as `ops_runs` keeps it. */
export type OutcomeKind = 'succeeded' | 'failed' | 'timed_out' | 'interrupted' | 'crashed' | 'quarantined' | 'canceled'

/** What became of one run. Performing a task never throws: it ends in one of these, and one place settles it. */
export type Outcome = Success | Failure

export interface Success {
  readonly kind: 'succeeded'
  readonly columns: Readonly<Record<string, unknown>>
}

export interface Failure {
  readonly kind: Exclude<OutcomeKind, 'succeeded'>
  readonly error: string
  /** Written to the task's own columns all the same. */
  readonly columns?: Readonly<Record<string, unknown>>
  /** Trying again would not help. */
  readonly isFinal?: boolean
  /** The task goes back to `pending`, to be tried again. */
  readonly return?: Return
}

export interface Return {
  /** Milliseconds from now on; undefined when the task keeps its place in the queue. */
  readonly delay?: number
  /** Whether the attempt does not count. */
  readonly givesAttemptBack?: boolean
}

/** The status that a task takes when its run ends so. */
export function statusAfter(outcome: Outcome): Exclude<Status, 'ongoing'> {
  if (outcome.kind === 'succeeded' || outcome.kind === 'canceled') return outcome.kind
  return outcome.return ? 'pending' : 'failed'
}
