import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { formatTime } from '../format.ts'
import type { Hold } from '../queue/holds.ts'

export class InvalidHoldKeyError extends OpsError {
  constructor(problem: string, options: { what: string; known: readonly string[] }) {
    const { what, known } = options
    super('INVALID_HOLD_KEY', problem, {
      exit: exitStatus.usage,
      suggestions: [`${what}: ${known.join(', ')}`],
    })
  }
}

export class AlreadyHeldError extends OpsError {
  constructor({ key, reason, actor, heldAt }: Hold) {
    const why = reason === undefined ? '.' : `: ${reason}`
    super(
      'ALREADY_HELD',
      `${key} is held by ${actor.replace(/ \(ops hold\)$/, '')} since ${formatTime(heldAt)}${why}`,
      {
        suggestions: [`release it first: ops unhold ${key}`],
      },
    )
  }
}

export class NotHeldError extends OpsError {
  constructor(key: string, held: readonly string[]) {
    super('NOT_HELD', didYouMean(`${key} is not held.`, key, held), {
      suggestions: held.length > 0 ? [`use one of: ${held.join(', ')}`] : [],
    })
  }
}
