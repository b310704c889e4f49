import { steadyNow } from '../platform/clock.ts'
import type { Lease } from '../queue/queue.ts'

/* Parts of a lease. */

/** How often it is renewed while a task runs: a cut of three quarters of it must not end the task. */
const RENEW_EVERY = 1 / 10
const RENEW_IDLE_EVERY = 1 / 4
export const LOOK_EVERY = 1 / 20
/** A look that comes this much too late means that the process was stopped, or its event loop blocked. */
const STALLED_FOR = 1 / 4
/** How long the database is then asked whether the lease still holds. */
const ASK_FOR = 1 / 8

/**
 * Keeps the lease of a worker on its runs, or says that it is lost: then another worker may soon take them over, so what
 * they have started must end at once. With a queue that has no leases, it is always held.
 */
export class LeaseKeeper {
  readonly #lease: Lease | undefined
  readonly #onLost: () => void
  readonly #now: () => number
  #renewedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #lostAt = Number.NEGATIVE_INFINITY
  #isLost: boolean
  #isAsking = false
  #isInUse = false
  #isDue = true
  #renewal: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** Called when the lease is lost. */
  readonly #waiting: (() => void)[] = []

  constructor(lease: Lease | undefined, onLost: () => void, now = steadyNow) {
    this.#lease = lease
    this.#isLost = lease !== undefined
    this.#onLost = onLost
    this.#now = now
  }

  start(): void {
    if (!this.#lease) return
    this.#lookedAt = this.#now()
    void this.#renew()
    this.#timer = setInterval(() => this.look(), this.#lease.ms * LOOK_EVERY)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A task runs from now on, or no longer does. */
  setInUse(isInUse: boolean): void {
    this.#isInUse = isInUse
    if (isInUse && this.#isDue && this.#lease) void this.#renew()
  }

  /** Whether the last look found it lost; cheap. */
  get isLost(): boolean {
    return this.#isLost
  }

  get isHeld(): boolean {
    return !this.#lease || this.#now() < this.#renewedAt + this.#lease.ms
  }

  /** Whether the lease is held, after asking the database where it has expired: the process may have been stopped. */
  async verify(): Promise<boolean> {
    if (this.isHeld) return true
    // A renewal that is under way may have been sent too long ago.
    const renewed = this.#renew().then(() => (this.isHeld ? undefined : this.#renew()))
    await Promise.race([renewed, this.#untilLost()])
    return this.isHeld
  }

  /** Renews the lease when it is time, and finds out that it is lost. */
  look(): void {
    const { ms } = this.#lease!
    const now = this.#now()
    const hasStalled = now - this.#lookedAt > ms * STALLED_FOR
    this.#lookedAt = now
    const age = now - this.#renewedAt
    this.#isDue = age >= ms * RENEW_EVERY
    if (this.#isInUse ? this.#isDue : age >= ms * RENEW_IDLE_EVERY) void this.#renew()
    if (this.#isLost || now < this.#lostAt) return
    if (hasStalled && !this.#isAsking) {
      this.#isAsking = true
      this.#lostAt = now + ms * ASK_FOR
      return
    }
    this.#isLost = true
    this.#onLost()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #untilLost(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #renew(): Promise<void> {
    this.#renewal ??= this.#lease!.renew()
      .then((sentAt) => {
        this.#renewedAt = Math.max(this.#renewedAt, sentAt)
        this.#lostAt = this.#renewedAt + this.#lease!.ms
        this.#isLost = this.#isAsking = this.#isDue = false
      })
      // It is tried again at the next look.
      .catch(() => {})
      .finally(() => {
        this.#renewal = undefined
      })
    return this.#renewal
  }
}
