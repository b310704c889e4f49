import type { Progress as Report } from '../queue/queue.ts'

/** Each of these that a task reaches goes into the audit trail. */
const MILESTONES = [0.25, 0.5, 0.75]

/** A task may report thousands of times a second; a row is written four times. */
const EVERY_MS = 250

/** Passes on the latest report, not each. */
export class Progress {
  readonly #write: (report: Report) => Promise<void>
  #latest: { fraction: number; note: string | undefined } | undefined
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #wroteAt = Number.NEGATIVE_INFINITY
  #milestonesLeft = MILESTONES

  constructor(write: (report: Report) => Promise<void>) {
    this.#write = write
  }

  report(fraction: number, note?: string): void {
    const clamped = Math.min(1, Math.max(0, fraction))
    if (Number.isNaN(clamped)) throw new TypeError(`progress takes a number from 0 to 1, not ${fraction}`)
    this.#latest = { fraction: clamped, note }
    const wait = this.#wroteAt + EVERY_MS - performance.now()
    if (wait <= 0) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), wait)
  }

  /** Writes what is not yet written, so that the row of a task that fails says how far it came. */
  async close(): Promise<void> {
    this.#flush()
    await this.#writing
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#latest) return
    const { fraction, note } = this.#latest
    const left = this.#milestonesLeft.filter((milestone) => milestone > fraction)
    const isMilestone = left.length < this.#milestonesLeft.length
    this.#milestonesLeft = left
    this.#latest = undefined
    this.#wroteAt = performance.now()
    // A report that cannot be written is not worth a task; the next one, or its end, will tell.
    this.#writing = this.#writing.then(() => this.#write({ fraction, note, isMilestone })).catch(() => {})
  }
}
