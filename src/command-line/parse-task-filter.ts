import { isDuration, parseDuration } from '../config/duration.ts'
import { exitStatus, OpsError, unknownName } from '../errors.ts'
import { isSettled, type SettledStatus, type Status, settledStatuses, statuses } from '../task/lifecycle.ts'
import { parseTime } from '../task-table/parse-time.ts'

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

/** The same for those of tasks that are settled. */
export function parseSettledStatuses(texts: readonly string[]): SettledStatus[] {
  return parseStatuses(texts).map((status) => {
    if (isSettled(status)) return status
    throw unknownName('status', status, settledStatuses, { suggestions: ['only settled tasks can be pruned'] })
  })
}

/**
 * Parses how long ago or when: `30d`, `2026-01-31`.
 *
 * @throws OpsError INVALID_TIME
 */
export function parseBefore(text: string, now: Date): Date {
  if (isDuration(text)) return new Date(now.getTime() - parseDuration(text, '--before'))
  const at = parseTime(text)
  if (at) return at
  const message = `--before: expected a duration such as "30d" or a date such as "2026-01-31", got "${text}".`
  throw new OpsError('INVALID_TIME', message, { exit: exitStatus.usage })
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
