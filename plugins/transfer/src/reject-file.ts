import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { TaskError } from '@ops-cli/core'

/** Bad rows behind the limit that are still told, so that they can all be mended at once. */
const TOLD_BEYOND_THE_LIMIT = 1000

/** How many reasons the task's one line has. */
const REASONS = 3

/** The rows that cannot be imported: each is a line of JSON beside the table, with its place and the reason. */
export class RejectFile {
  count = 0
  readonly #path: string
  readonly #limit: number
  readonly #reasons: string[] = []
  #file: number | undefined

  /** @param limit so many bad rows are accepted */
  constructor(path: string, limit: number) {
    this.#path = path
    this.#limit = limit
    // That of an earlier attempt says nothing about this one.
    rmSync(path, { force: true })
  }

  /** The columns of the task that tell of it. */
  get columns(): { rejectedCount: number; rejectedFile: string | null } {
    return { rejectedCount: this.count, rejectedFile: this.count > 0 ? this.#path : null }
  }

  /** Whether nothing may be imported any more. */
  get isOverLimit(): boolean {
    return this.count > this.#limit
  }

  /** Whether there is no use in reading on. */
  get isFull(): boolean {
    return this.count > this.#limit + TOLD_BEYOND_THE_LIMIT
  }

  add(line: number, reason: string, row: unknown): void {
    this.count += 1
    if (this.#reasons.length < REASONS) this.#reasons.push(`line ${line}: ${reason}`)
    if (this.#file === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true })
      this.#file = openSync(this.#path, 'w')
    }
    const json = JSON.stringify({ line, reason, row }, (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    writeSync(this.#file, `${json}\n`)
  }

  /** @throws TaskError when there are more than are accepted */
  check(): void {
    if (!this.isOverLimit) return
    const rows = this.isFull
      ? `more than ${this.count - 1} rows are bad`
      : this.count === 1
        ? 'a row is bad'
        : `${this.count} rows are bad`
    const allowed = this.#limit === 0 ? '' : `, and ${this.#limit} are accepted (max_rejected)`
    const more = this.count > REASONS ? '; …' : ''
    throw new TaskError(
      `nothing was imported, since ${rows}${allowed}: ${this.#reasons.join('; ')}${more} (all in ${this.#path})`,
      { columns: { rowCount: 0, skippedCount: 0, ...this.columns }, isFinal: true },
    )
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
