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
  #lookedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  /** Until when the database is asked, after the process has stalled. */
  #askedUntil = Number.NEGATIVE_INFINITY
  #isLost: boolean
  #isAsking = false
  #isInUse = false
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
    // The claim was a sign of life.
    if (isInUse && this.isHeld) this.#isLost = this.#isAsking = false
  }

  get isHeld(): boolean {
    return !this.#lease || this.#now() < this.#lease.renewedAt + this.#lease.ms
  }

  /**
   * Whether a run is this worker's, after asking the database where the lease has expired: the process may have been stopped
   * for so long that another one has taken the run over.
   *
   * @param isOpen whether the run is open, which counts once the lease is renewed
   */
  async verify(isOpen: () => Promise<boolean>): Promise<boolean> {
    if (this.isHeld) return true
    // A renewal that is under way may have been sent too long ago.
    const renewed = this.#renew().then(() => (this.isHeld ? undefined : this.#renew()))
    await Promise.race([renewed, this.#untilLost()])
    return this.isHeld && (await isOpen().catch(() => false)) && this.isHeld
  }

  /** Renews the lease when it is time, and finds out that it is lost. */
  look(): void {
    const { ms, renewedAt, heardAt } = this.#lease!
    const now = this.#now()
    const hasStalled = now - this.#lookedAt > ms * STALLED_FOR
    this.#lookedAt = now
    // An idle worker needs no lease: its claim will be a sign of life, and its search for a task finds out whether the
    // database is there, or stays without an answer.
    const isDue = this.#isInUse
      ? now - renewedAt >= ms * RENEW_EVERY
      : now - Math.max(renewedAt, heardAt, this.#triedAt) >= ms * RENEW_IDLE_EVERY
    if (isDue) void this.#renew()
    if (this.#isLost || now < Math.max(renewedAt + ms, this.#askedUntil)) return
    if (hasStalled && !this.#isAsking) {
      this.#isAsking = true
      this.#askedUntil = now + ms * ASK_FOR
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
    this.#triedAt = this.#now()
    this.#renewal ??= this.#lease!.renew()
      .then(() => {
        this.#isLost = this.#isAsking = false
      })
      // It is tried again at the next look.
      .catch(() => {})
      .finally(() => {
        this.#renewal = undefined
      })
    return this.#renewal
  }
}
