import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** How long a worker drains tasks before it lets the event loop turn, for signals and timers. */
const TURN_EVERY_MS = 1

/** Long enough for a writer that tries every fifth of a millisecond. */
const REST_FOR_WRITER_MS = 1

/**
 * A writer that is not ops cannot signal that it waits: it sleeps up to 100 ms between two attempts. While one is
 * connected, the lock is free half of the time, so that a few attempts are enough.
 */
const WORK_BESIDE_OTHERS_MS = 2
const REST_BESIDE_OTHERS_MS = 2

const CHECK_FOR_OTHERS_EVERY_MS = 100

/** The kernel's list of locks is slow to read on some machines; reading it gets this share of the time. */
const SHARE_FOR_CHECKS = 0.01

interface WriteFairnessOptions {
  /** Whether a writer has signaled since the last call that it waits for the lock. */
  isWriterWaiting(): boolean
  /** Whether programs that are not ops have the database open. */
  areOthersConnected(): boolean
  /** Called while the worker drains: it looks for changes after each task, so it need not watch for them. */
  stopWatchingLog(): void
}

/** Gives other writers their turn. SQLite's lock is not fair: a worker that drains short tasks would keep them all out. */
export class WriteFairness {
  readonly #options: WriteFairnessOptions
  #turnedAt = 0
  #restedAt = 0
  #nextCheckAt = 0
  #isBesideOthers = false

  constructor(options: WriteFairnessOptions) {
    this.#options = options
  }

  async betweenTasks(): Promise<void> {
    const now = performance.now()
    if (now - this.#turnedAt <= TURN_EVERY_MS) return
    // During a long task the lock was free.
    if (now - this.#turnedAt > WORK_BESIDE_OTHERS_MS + REST_BESIDE_OTHERS_MS) this.#restedAt = now
    this.#options.stopWatchingLog()
    await turn()
    if (this.#options.isWriterWaiting()) await delay(REST_FOR_WRITER_MS)
    await this.#restBesideOthers(now)
    this.#turnedAt = performance.now()
  }

  async #restBesideOthers(now: number): Promise<void> {
    if (now > this.#nextCheckAt) {
      this.#isBesideOthers = this.#options.areOthersConnected()
      const tookMs = performance.now() - now
      this.#nextCheckAt = now + Math.max(CHECK_FOR_OTHERS_EVERY_MS, tookMs / SHARE_FOR_CHECKS)
    }
    if (!this.#isBesideOthers || now - this.#restedAt < WORK_BESIDE_OTHERS_MS) return
    await delay(REST_BESIDE_OTHERS_MS)
    this.#restedAt = performance.now()
  }
}
