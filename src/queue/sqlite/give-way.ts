import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** Unbroken draining after which the event loop turns, so that signals, timers and rings are heard. */
const TURN_EVERY_MS = 1

/** Long enough for a writer that tries each fifth of a millisecond. */
const REST_FOR_RING_MS = 1

/**
 * A writer that is not ops cannot ring: it sleeps up to 100 ms between two attempts, at moments of its own. While one is
 * there the lock is free for half of the time, so that a few attempts are enough.
 */
const WORK_BESIDE_OTHERS_MS = 2
const REST_BESIDE_OTHERS_MS = 2

const LOOK_FOR_OTHERS_EVERY_MS = 100

/** The list of locks is long to make on some machines; it gets this share of the time. */
const SHARE_FOR_LOOKING = 0.01

interface Surroundings {
  /** Whether somebody asked for the lock since the last time. */
  takeRing(): boolean
  /** Whether programs that are not ops have the database open. */
  areOthersConnected(): boolean
  /** Called while the worker drains: it need not watch for changes that it looks for after each task anyway. */
  ignoreLog(): void
}

/** SQLite's lock is not fair: a worker that drains short tasks back to back would keep every other writer out. */
export class GiveWay {
  readonly #surroundings: Surroundings
  #turnedAt = 0
  #restedAt = 0
  #looksAt = 0
  #isBesideOthers = false

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  async betweenTasks(): Promise<void> {
    const now = performance.now()
    if (now - this.#turnedAt <= TURN_EVERY_MS) return
    // A task that took its time has left the lock free.
    if (now - this.#turnedAt > WORK_BESIDE_OTHERS_MS + REST_BESIDE_OTHERS_MS) this.#restedAt = now
    this.#surroundings.ignoreLog()
    await turn()
    if (this.#surroundings.takeRing()) await delay(REST_FOR_RING_MS)
    await this.#restBesideOthers(now)
    this.#turnedAt = performance.now()
  }

  async #restBesideOthers(now: number): Promise<void> {
    if (now > this.#looksAt) {
      this.#isBesideOthers = this.#surroundings.areOthersConnected()
      const tookMs = performance.now() - now
      this.#looksAt = now + Math.max(LOOK_FOR_OTHERS_EVERY_MS, tookMs / SHARE_FOR_LOOKING)
    }
    if (!this.#isBesideOthers || now - this.#restedAt < WORK_BESIDE_OTHERS_MS) return
    await delay(REST_BESIDE_OTHERS_MS)
    this.#restedAt = performance.now()
  }
}
