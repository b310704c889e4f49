import { parseDuration } from '../config/duration.ts'
import type { Backoff } from '../task/retry-rules.ts'

/** How often a task that fails is tried again, and after what wait. */
export interface Retry {
  /** Runs in all, the first one included. */
  readonly attempts: number
  /** Before the second run, such as `'30s'`. Default `'10s'`; a quarter more or less by chance. */
  readonly delay?: string
  /** By what each further wait is longer. Default 2. */
  readonly factor?: number
  /** No wait is longer. Default `'1h'`. */
  readonly maxDelay?: string
}

/** @throws OpsError INVALID_DURATION */
export function toBackoff({ attempts, delay = '10s', factor = 2, maxDelay = '1h' }: Retry): Backoff {
  return {
    attempts,
    delay: parseDuration(delay, 'retry.delay'),
    factor,
    maxDelay: parseDuration(maxDelay, 'retry.maxDelay'),
  }
}

/** What is wrong with it, as the end of a sentence. */
export function retryProblem({ attempts, factor = 2 }: Retry): string | undefined {
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    return `"retry.attempts" must be a whole number of 1 or more, not ${attempts}`
  if (!(factor >= 1)) return `"retry.factor" must be a number of 1 or more, not ${factor}`
  return undefined
}
