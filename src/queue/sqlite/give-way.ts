import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { WakeUp } from './wake-up.ts'

/** Unbroken draining after which the event loop turns, so that signals, timers and rings are heard. */
const TURN_EVERY_MS = 1

/** Long enough for a writer that tries each fifth of a millisecond. */
const REST_MS = 1

/** SQLite's lock is not fair: a worker that drains short tasks back to back would keep every other writer out. */
export class GiveWay {
  private readonly wakeUp: WakeUp
  private turnedAt = 0

  constructor(wakeUp: WakeUp) {
    this.wakeUp = wakeUp
  }

  async betweenTasks(): Promise<void> {
    if (performance.now() - this.turnedAt > TURN_EVERY_MS) {
      this.wakeUp.ignoreLog()
      await turn()
      if (this.wakeUp.takeRing()) await delay(REST_MS)
      this.turnedAt = performance.now()
    }
  }
}
