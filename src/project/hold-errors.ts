import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import type { Hold } from '../queue/holds.ts'
import { localTime } from '../terminal/local-time.ts'

export class InvalidHoldKeyError extends OpsError {
  readonly code = 'INVALID_HOLD_KEY'
  constructor(problem: string, options: { meant?: readonly string[]; what: string; known: readonly string[] }) {
    const { meant = [], what, known } = options
    super(problem, { exit: exitStatus.usage, suggestions: [...meant, `${what}: ${known.join(', ')}`] })
  }
}

export class AlreadyHeldError extends OpsError {
  readonly code = 'ALREADY_HELD'
  constructor({ key, reason, actor, heldAt }: Hold) {
    const why = reason === undefined ? '.' : `: ${reason}`
    super(`${key} is held by ${actor.replace(/ \(ops hold\)$/, '')} since ${localTime(heldAt)}${why}`, {
      suggestions: [`release it first: ops unhold ${key}`],
    })
  }
}

export class NotHeldError extends OpsError {
  readonly code = 'NOT_HELD'
  constructor(key: string, held: readonly string[]) {
    super(`${key} is not held.`, {
      suggestions: held.length > 0 ? [...didYouMean(key, held), `held: ${held.join(', ')}`] : ['nothing is held'],
    })
  }
}
