import type { Progress as Report } from '../queue/queue.ts'

/** Reaching one of these is recorded in the audit trail. */
const MILESTONES = [0.25, 0.5, 0.75]

/** A task may report thousands of times a second; its row is written four times. */
const EVERY_MS = 250

/** Passes on the latest report, at a bounded rate. */
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
    if (Number.isNaN(clamped)) throw new TypeError(`expected a progress from 0 to 1, got ${fraction}`)
    this.#latest = { fraction: clamped, note }
    const wait = this.#wroteAt + EVERY_MS - performance.now()
    if (wait <= 0) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), wait)
  }

  /** Writes the latest report, so that the row of a failed task shows how far it came. */
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
    // A report that cannot be written must not fail the task; the next one, or the end of the run, will show the error.
    this.#writing = this.#writing.then(() => this.#write({ fraction, note, isMilestone })).catch(() => {})
  }
}

/** A line without a break that is longer than this is not a report. */
const LONGEST_LINE = 64 * 1024

/**
 * Reads what a program writes to file descriptor 3 and calls back for each report: `0.4 linking`, `0.4`, or
 * `{ "fraction": 0.4, "note": "linking" }`.
 */
export function progressReader(report: (fraction: number, note?: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!.slice(0, LONGEST_LINE)
    for (const line of lines) {
      const parsed = parseReport(line)
      if (parsed) report(parsed.fraction, parsed.note)
    }
  }
}

function parseReport(line: string): Omit<Report, 'isMilestone'> | undefined {
  const plain = /^\s*(\d*\.?\d+)(?:\s+(.*\S))?\s*$/.exec(line)
  if (plain) return { fraction: Number(plain[1]), note: plain[2] }
  try {
    const { fraction, note } = JSON.parse(line) as { fraction?: unknown; note?: unknown }
    if (typeof fraction !== 'number') return undefined
    return { fraction, note: typeof note === 'string' ? note : undefined }
  } catch {
    return undefined
  }
}
