import { parseDuration } from '../config/duration.ts'
import type { Backoff } from '../task/retry-rules.ts'

/** How often, and after what delay, a failed task is retried. */
export interface Retry {
  /** Runs in total, including the first. */
  readonly attempts: number
  /** Before the second run, such as `'30s'`. Default `'10s'`; varied by up to a quarter. */
  readonly delay?: string
  /** Multiplies each further delay. Default 2. */
  readonly factor?: number
  /** The longest delay. Default `'1h'`. */
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

/** What is wrong with it, to complete a sentence. */
export function retryProblem({ attempts, factor = 2 }: Retry): string | undefined {
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    return `"retry.attempts" must be a whole number, at least 1, not ${attempts}`
  if (!(factor >= 1)) return `"retry.factor" must be at least 1, not ${factor}`
  return undefined
}
