/** How fast it goes and how long it may take, for the note of a progress. */
export class Pace {
  readonly #startedAt: number
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedAt = now()
  }

  /**
   * @param fraction what is done, from 0 to 1; undefined when nobody knows
   * @returns `350,000 rows, 210,000/s, 12s left`
   */
  note(rows: number, fraction: number | undefined): string {
    const seconds = (this.#now() - this.#startedAt) / 1000
    const parts = [`${rows.toLocaleString('en')} rows`]
    // What is said of the first moments would be wrong.
    if (seconds >= 0.5) {
      parts.push(`${Math.round(rows / seconds).toLocaleString('en')}/s`)
      if (fraction) parts.push(`${time((seconds / fraction) * (1 - fraction))} left`)
    }
    return parts.join(', ')
  }
}

function time(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole}s`
  const minutes = Math.round(whole / 60)
  return minutes < 60 ? `${minutes}m` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}
