import type { Outcome } from '../task/outcome.ts'

/** Why a running task must end: the reason its signal aborts with. */
export class AbortReason extends Error {
  override readonly name = 'AbortReason'
  /** What the run is settled as; undefined when it is no longer this worker's to settle. */
  readonly outcome: Outcome | undefined

  private constructor(message: string, outcome: Outcome | undefined) {
    super(message)
    this.outcome = outcome
  }

  static timedOut(after: string): AbortReason {
    const error = `timed out after ${after}`
    return new AbortReason(error, { kind: 'timed_out', error })
  }

  static interrupted(): AbortReason {
    const error = 'interrupted by shutdown'
    return new AbortReason(error, { kind: 'interrupted', error })
  }

  static canceled(by: string): AbortReason {
    const error = `canceled by ${by}`
    return new AbortReason(error, { kind: 'canceled', error })
  }

  /** Reported when the database is back, unless another worker has taken the run over by then. */
  static disconnected(): AbortReason {
    const error = 'interrupted: lost contact with the database'
    return new AbortReason(error, { kind: 'interrupted', error })
  }

  static takenAway(): AbortReason {
    return new AbortReason('the run was taken away', undefined)
  }
}
