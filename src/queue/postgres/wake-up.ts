import type { Session } from './session.ts'

/** What a notification names that concerns every table. */
const ALL = ''

/**
 * Knows when somebody has added tasks, by the notifications of the triggers. They are hints: what comes while nobody
 * listens is found by the poll.
 */
export class WakeUp {
  readonly #hints = new Set<string>()
  #lost: Error | undefined
  #onEvent: (() => void) | undefined

  /** Listens on a new session. What was missed before is a change, as far as anybody knows. */
  async listen(session: Session): Promise<void> {
    session.onNotification((table) => this.#hint(table))
    session.whenOver((error) => {
      this.#lost = error
      this.#onEvent?.()
    })
    await session.query('listen ops')
    this.#lost = undefined
    this.#hint(ALL)
  }

  /**
   * Resolves true as soon as one of the tables has changed, false when the time has passed or the signal aborts.
   *
   * @throws Error when the session is lost, since nothing would be heard any more
   */
  async changed(tables: readonly string[], milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + milliseconds
    for (;;) {
      if (this.#lost) throw this.#lost
      if (this.#takeHint(tables)) return true
      const left = end - performance.now()
      if (left <= 0 || signal.aborted) return false
      await this.#nextEvent(left, signal)
    }
  }

  #hint(table: string): void {
    this.#hints.add(table)
    this.#onEvent?.()
  }

  /** Whoever names no tables asks about all. */
  #takeHint(tables: readonly string[]): boolean {
    const isHit =
      this.#hints.has(ALL) ||
      (tables.length === 0 ? this.#hints.size > 0 : tables.some((name) => this.#hints.has(name)))
    this.#hints.clear()
    return isHit
  }

  #nextEvent(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        this.#onEvent = undefined
        resolve()
      }
      const timer = setTimeout(finish, Math.ceil(milliseconds))
      this.#onEvent = finish
      signal.addEventListener('abort', finish, { once: true })
    })
  }
}
