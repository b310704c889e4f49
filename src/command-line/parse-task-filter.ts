import { exitStatus, OpsError, unknownName } from '../errors.ts'
import { type Status, statuses } from '../task/lifecycle.ts'

/**
 * Parses statuses; each text is one or several with commas between them.
 *
 * @throws OpsError UNKNOWN_STATUS
 */
export function parseStatuses(texts: readonly string[]): Status[] {
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim())
  return [...new Set(words)].map((word) => {
    const status = statuses.find((known) => known === word)
    if (status) return status
    throw unknownName('status', word, statuses)
  })
}

/**
 * Parses `build 42`.
 *
 * @throws OpsError INVALID_TASK_NAME
 */
export function parseTaskName(text: string): readonly [processor: string, id: string] {
  const [, processor, id] = /^\s*(\S+)\s+(\S+)\s*$/.exec(text) ?? []
  if (processor !== undefined && id !== undefined) return [processor, id]
  throw new OpsError(
    'INVALID_TASK_NAME',
    `Invalid task "${text}": expected a processor and an id, such as "build 42".`,
    {
      exit: exitStatus.usage,
    },
  )
}
