import type { Failure } from './outcome.ts'

/** When a task that did not succeed is tried again. */
export interface RetryRules {
  /** Undefined when a failure is final. */
  readonly retry: Backoff | undefined
  readonly onCrash: 'fail' | 'retry'
  readonly onInterrupt: 'fail' | 'retry'
}

export interface Backoff {
  /** Runs in all, the first one included. */
  readonly attempts: number
  /** Milliseconds before the second run. */
  readonly delay: number
  /** By what each further wait is longer. */
  readonly factor: number
  /** Milliseconds; no wait is longer. */
  readonly maxDelay: number
}

/** A task that has taken so many workers with it is not given to one more. */
export const CRASHES_TO_QUARANTINE = 3

/** Each wait is between three and five quarters of what the rule says, so that tasks that failed together do not come together. */
const JITTER = 0.25

/**
 * Decides what a failed run means for its task.
 *
 * @param facts `crashes`: runs of this task before this one that died with their worker; `random`: from 0 to 1
 */
export function tryAgain(
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
      if (crashes + 1 >= CRASHES_TO_QUARANTINE) return quarantined(failure, crashes + 1)
      return onCrash === 'retry' && isAttemptLeft ? { ...failure, return: {} } : failure
    default:
      return failure
  }
}

/** Milliseconds to wait after the given attempt. */
export function backoff({ delay, factor, maxDelay }: Backoff, attempt: number, random: number): number {
  const wait = Math.min(maxDelay, delay * factor ** (attempt - 1))
  return Math.round(wait * (1 - JITTER + 2 * JITTER * random))
}

function quarantined({ error }: Failure, crashes: number): Failure {
  return { kind: 'quarantined', error: `quarantined: it has crashed its worker ${crashes} times, at last: ${error}` }
}
