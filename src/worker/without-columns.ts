import type { ResultRefusedError } from '../errors.ts'
import type { Outcome } from '../task/outcome.ts'

/** What is left of an outcome whose columns the table does not take. */
export function withoutColumns(outcome: Outcome, refusal: ResultRefusedError): Outcome {
  if (outcome.kind === 'succeeded') return { kind: 'failed', error: refusal.message }
  const { columns: _, ...rest } = outcome
  return { ...rest, error: `${rest.error}; ${refusal.message}` }
}
