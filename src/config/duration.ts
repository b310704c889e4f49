import ms from 'ms'
import { exitStatus, OpsError } from '../errors.ts'

/**
 * Reads a duration such as `'500ms'`, `'30s'`, `'10m'`, `'1h'`, `'90d'` or `'1y'`.
 *
 * @param subject what has the duration, for the message: `--timeout`, `worker.gracePeriod`
 * @returns milliseconds
 * @throws OpsError INVALID_DURATION on anything else, a number without a unit included
 */
export function parseDuration(text: string, subject: string): number {
  if (isDuration(text)) return ms(text as ms.StringValue)
  throw new OpsError('INVALID_DURATION', `${subject}: ${durationProblem(text)}.`, { exit: exitStatus.usage })
}

/** A thousand years: from any time that people mean, such a duration leads to an instant that every database can store. */
const LONGEST = '365000d'

/** What is wrong with a text that is not a duration: `expected a duration such as "10m", got "soon"`. */
export function durationProblem(text: string): string {
  const what = hasUnit(text) ? `a duration of at most "${LONGEST}"` : 'a duration such as "10m"'
  return `expected ${what}, got "${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`
}

/** Whether a text is a duration that `parseDuration` reads. */
export function isDuration(text: string): boolean {
  return hasUnit(text) && ms(text as ms.StringValue) <= ms(LONGEST)
}

function hasUnit(text: string): boolean {
  // Of a longer one, `ms` says only that it is too long.
  return /^\d+(\.\d+)?\s*(ms|s|sec|m|min|h|d|y)$/.test(text)
}

const units: readonly [name: string, milliseconds: number][] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** A duration as it is written in a configuration: `90000` as `1m 30s`. Measured times are shown by `formatDuration`. */
export function toDurationText(milliseconds: number): string {
  let left = Math.round(milliseconds)
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count > 0 ? `${count}${unit}` : ''
  })
  return parts.filter(Boolean).slice(0, 2).join(' ') || '0ms'
}
