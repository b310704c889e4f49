import type { Failure } from './outcome.ts'

/** When a task that did not succeed is retried. */
export interface RetryRules {
  /** Undefined where every failure is final. */
  readonly retry: Backoff | undefined
  readonly onCrash: 'fail' | 'retry'
  readonly onInterrupt: 'fail' | 'retry'
}

export interface Backoff {
  /** The number of runs, the first one included. */
  readonly attempts: number
  /** Milliseconds before the second run. */
  readonly delay: number
  /** The ratio of each delay to the one before. */
  readonly factor: number
  /** The longest delay, in milliseconds. */
  readonly maxDelay: number
}

/** A task that has crashed this many workers is quarantined. */
const MAX_CRASHES = 3

/** Delays vary by a quarter, so that tasks that failed together are not retried together. */
const JITTER = 0.25

/**
 * Decides whether the task of a failed run is retried.
 *
 * @param facts `crashes`: earlier runs of the task whose worker died; `random`: from 0 to 1
 */
export function applyRetryRules(
  failure: Failure,
  { retry, onCrash, onInterrupt }: RetryRules,
  { attempt, crashes = 0, random = Math.random() }: { attempt: number; crashes?: number; random?: number },
): Failure {
  const isAttemptLeft = retry === undefined || attempt < retry.attempts
  switch (failure.kind) {
    case 'failed':
      return retry && isAttemptLeft && !failure.isFinal
        ? { ...failure, return: { delay: backoff(retry, attempt, random) } }
        : failure
    case 'interrupted':
      return onInterrupt === 'retry' ? { ...failure, return: { givesAttemptBack: true } } : failure
    case 'crashed':
      if (crashes + 1 >= MAX_CRASHES) return quarantined(failure, crashes + 1)
      return onCrash === 'retry' && isAttemptLeft ? { ...failure, return: {} } : failure
    default:
      return failure
  }
}

/** The delay after an attempt, in milliseconds. */
export function backoff({ delay, factor, maxDelay }: Backoff, attempt: number, random: number): number {
  const wait = Math.min(maxDelay, delay * factor ** (attempt - 1))
  return Math.round(wait * (1 - JITTER + 2 * JITTER * random))
}

function quarantined({ error }: Failure, crashes: number): Failure {
  return { kind: 'quarantined', error: `quarantined: crashed its worker ${crashes} times; the last error: ${error}` }
}
