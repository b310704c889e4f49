import type { Queue } from '../queue/queue.ts'
import type { WorkerLog } from './worker-log.ts'

/** How often a worker looks for runs of workers that died. */
const EVERY_MS = 5000

/** With more workers on a machine each looks less often, at its own moment, so that as many look in that time. */
const RECOVERERS = 4

/** Looks after what others left, once and then again and again. */
export class RecoveryRounds {
  readonly #queue: Queue
  readonly #log: WorkerLog
  readonly #look: () => Promise<void>
  #timer: NodeJS.Timeout | undefined
  #every = EVERY_MS
  #hasEnded = false

  constructor(queue: Queue, log: WorkerLog, look: () => Promise<void>) {
    this.#queue = queue
    this.#log = log
    this.#look = look
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    try {
      const share = Math.max(1, ((await this.#queue.workersHere?.()) ?? 1) / RECOVERERS)
      // Otherwise workers that started together would look together.
      this.#every = EVERY_MS * (share === 1 ? 1 : share * (0.5 + Math.random()))
      await this.#look()
    } catch (error) {
      this.#log.databaseFailed('recovering runs', error, this.#every)
    }
    if (!this.#hasEnded) this.#timer = setTimeout(() => void this.start(), this.#every)
  }

  stop(): void {
    this.#hasEnded = true
    clearTimeout(this.#timer)
  }
}
