/** One thing that was looked at, and how it was found. */
export interface Finding {
  /** What was looked at. */
  readonly name: string
  /** `skipped` where it could not be looked at, or there is nothing to look at. */
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped'
  readonly found: string
  /** What to do; undefined where nothing is to be done. */
  readonly remedy?: string | undefined
}
