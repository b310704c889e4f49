import type { Outcome } from '../task/outcome.ts'

/** Why a running task is asked to end: the reason that its signal aborts with. */
export class EndOfTask extends Error {
  override readonly name = 'EndOfTask'
  /** What the run is settled as; undefined when it is no longer ours to settle. */
  readonly outcome: Outcome | undefined

  private constructor(message: string, outcome: Outcome | undefined) {
    super(message)
    this.outcome = outcome
  }

  static timedOut(after: string): EndOfTask {
    const error = `timed out after ${after}`
    return new EndOfTask(error, { kind: 'timed_out', error })
  }

  static interrupted(): EndOfTask {
    const error = 'interrupted by shutdown'
    return new EndOfTask(error, { kind: 'interrupted', error })
  }

  static canceled(by: string): EndOfTask {
    const error = `canceled by ${by}`
    return new EndOfTask(error, { kind: 'canceled', error })
  }

  static takenAway(): EndOfTask {
    return new EndOfTask('the run was taken away', undefined)
  }
}
