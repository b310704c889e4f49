import ms from 'ms'
import { exitStatus, OpsError } from '../errors.ts'

export class InvalidDurationError extends OpsError {
  constructor(text: string, subject: string) {
    super('INVALID_DURATION', `"${subject}" must be a duration such as 500ms, 30s, 10m or 1h, not "${text}".`, {
      exit: exitStatus.usage,
    })
  }
}

/**
 * Reads a duration such as `'500ms'`, `'30s'`, `'10m'` or `'1h'`.
 *
 * @param subject what the duration is of, for the message
 * @returns milliseconds, a finite number not below zero
 * @throws InvalidDurationError on anything else, a number without a unit included
 */
export function parseDuration(text: string, subject: string): number {
  const milliseconds = isDuration(text) ? ms(text as ms.StringValue) : undefined
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) throw new InvalidDurationError(text, subject)
  return milliseconds
}

/** Whether a text is a duration that `parseDuration` reads. */
export function isDuration(text: string): boolean {
  return /^\d+(\.\d+)?\s*(ms|s|sec|m|min|h|d)$/.test(text)
}

const units: readonly [name: string, milliseconds: number][] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** As a configuration would have it: `90000` as `1m 30s`. What something took is shown by `formatDuration`. */
export function toDurationText(milliseconds: number): string {
  let left = Math.round(milliseconds)
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count > 0 ? `${count}${unit}` : ''
  })
  return parts.filter(Boolean).slice(0, 2).join(' ') || '0ms'
}
