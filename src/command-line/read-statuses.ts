import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { type Status, statuses } from '../task/lifecycle.ts'

export class UnknownStatusError extends OpsError {
  constructor(text: string) {
    super('UNKNOWN_STATUS', didYouMean(`Unknown status "${text}".`, text, statuses), {
      exit: exitStatus.usage,
      suggestions: [`use one of: ${statuses.join(', ')}`],
    })
  }
}

/**
 * Reads statuses, each text one or several with commas between them.
 *
 * @throws UnknownStatusError
 */
export function readStatuses(texts: readonly string[]): Status[] {
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim())
  return [...new Set(words)].map((word) => {
    const status = statuses.find((known) => known === word)
    if (!status) throw new UnknownStatusError(word)
    return status
  })
}
