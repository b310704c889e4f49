import type { Status } from './lifecycle.ts'

/** What became of one run. Performing a task never throws: it ends in one of these, and one place settles it. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly columns: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed' | 'timed out' | 'interrupted' | 'crashed'; readonly error: string }

/** The status that a task takes when its run ends so. */
export function statusAfter(outcome: Outcome): Status {
  return outcome.kind === 'succeeded' ? 'succeeded' : 'failed'
}
