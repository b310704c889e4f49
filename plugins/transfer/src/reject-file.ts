import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatCount, TaskError } from '@ops-cli/core'

/** How many invalid rows beyond the limit are still recorded, so that all can be corrected at once. */
const RECORDED_BEYOND_LIMIT = 1000

/** How many reasons are in the task's error. */
const SHOWN_REASONS = 3

/** The rows that cannot be imported, one JSON object per line, with their line and reason. */
export class RejectFile {
  count = 0
  readonly #path: string
  readonly #limit: number
  readonly #reasons: string[] = []
  #file: number | undefined

  /** @param limit how many invalid rows are accepted */
  constructor(path: string, limit: number) {
    this.#path = path
    this.#limit = limit
    // One from an earlier attempt is out of date.
    rmSync(path, { force: true })
  }

  /** The task's columns about it. */
  get columns(): { rejectedCount: number; rejectedFile: string | null } {
    return { rejectedCount: this.count, rejectedFile: this.count > 0 ? this.#path : null }
  }

  /** Whether nothing will be imported. */
  get isOverLimit(): boolean {
    return this.count > this.#limit
  }

  /** Whether there is no point in reading on. */
  get isFull(): boolean {
    return this.count > this.#limit + RECORDED_BEYOND_LIMIT
  }

  add(line: number, reason: string, row: unknown): void {
    this.count += 1
    if (this.#reasons.length < SHOWN_REASONS) this.#reasons.push(`line ${line}: ${reason}`)
    if (this.#file === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
      this.#file = openSync(this.#path, 'w', 0o600)
    }
    const json = JSON.stringify({ line, reason, row }, (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    writeSync(this.#file, `${json}\n`)
  }

  /** @throws TaskError when there are more rows than the limit */
  check(): void {
    if (!this.isOverLimit) return
    const rows = this.isFull
      ? `more than ${formatCount(this.count - 1, 'invalid row')}`
      : formatCount(this.count, 'invalid row')
    const allowed = this.#limit === 0 ? '' : ` (max_rejected is ${this.#limit})`
    const more = this.count > SHOWN_REASONS ? '; …' : ''
    throw new TaskError(
      `nothing was imported: ${rows}${allowed}: ${this.#reasons.join('; ')}${more} (all in ${this.#path})`,
      { columns: { rowCount: 0, skippedCount: 0, ...this.columns }, isFinal: true },
    )
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
