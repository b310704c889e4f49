import { formatCount, formatDuration } from '@ops-cli/core'

/** The rate and the remaining time of a transfer, for its progress. */
export class Pace {
  readonly #startedAt: number
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedAt = now()
  }

  /**
   * @param fraction how much is done, from 0 to 1; undefined if unknown
   * @returns `350,000 rows, 210,000/s, 12 s left`
   */
  note(rows: number, fraction: number | undefined): string {
    const elapsedMs = this.#now() - this.#startedAt
    const parts = [formatCount(rows, 'row')]
    // The first moments say nothing about the rest.
    if (elapsedMs >= 500) {
      parts.push(`${Math.round(rows / (elapsedMs / 1000)).toLocaleString('en')}/s`)
      if (fraction) parts.push(`${formatDuration((elapsedMs / fraction) * (1 - fraction))} left`)
    }
    return parts.join(', ')
  }
}
