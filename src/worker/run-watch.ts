import type { Stop } from '../platform/stop.ts'
import type { Queue, Run } from '../queue/queue.ts'
import { AbortReason } from './abort-reason.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { RunContext } from './run-context.ts'
import type { WorkerLog } from './worker-log.ts'

/** How often the run of the running task is checked: it may have been canceled or taken away. */
const CHECK_RUN_EVERY_MS = 400

/**
 * Makes the running task end when it must: it was canceled or taken away, the stop is forced, or another worker may take
 * it over because the database has not heard from this one.
 */
export class RunWatch {
  readonly lease: LeaseKeeper
  readonly #queue: Queue
  readonly #stop: Stop
  readonly #log: WorkerLog
  readonly #onForce = () => this.#running?.context.abort(AbortReason.interrupted())
  #running: { run: Run; context: RunContext } | undefined
  #checking: NodeJS.Timeout | undefined
  #isChecking = false

  constructor(queue: Queue, stop: Stop, log: WorkerLog) {
    this.#queue = queue
    this.#stop = stop
    this.#log = log
    this.lease = new LeaseKeeper(queue.lease, () => this.#onLeaseLost())
  }

  start(): void {
    this.lease.start()
    this.#stop.forced.addEventListener('abort', this.#onForce)
  }

  stop(): void {
    this.lease.stop()
    clearInterval(this.#checking)
    this.#stop.forced.removeEventListener('abort', this.#onForce)
  }

  async begin(run: Run, context: RunContext): Promise<void> {
    this.#running = { run, context }
    this.lease.setInUse(true)
    if (this.#stop.forced.aborted) this.#onForce()
    this.#checking ??= setInterval(() => void this.#check(), CHECK_RUN_EVERY_MS)
    // The claim may have been under way for long.
    if (!this.lease.isHeld && !(await context.isOurs())) this.#onLeaseLost()
  }

  end(): void {
    this.#running = undefined
    this.lease.setInUse(false)
  }

  #onLeaseLost(): void {
    if (!this.#running) return
    this.#log.disconnected(this.#running.run)
    this.#running.context.abort(AbortReason.disconnected())
  }

  async #check(): Promise<void> {
    const running = this.#running
    if (!running) {
      // Idle, not between two tasks.
      clearInterval(this.#checking)
      this.#checking = undefined
      return
    }
    // While answers are slow, checks must not pile up in front of other statements.
    if (this.#isChecking) return
    this.#isChecking = true
    // An unavailable database says nothing about the run; settling it will.
    const state = await this.#queue.stateOf(running.run).catch(() => undefined)
    this.#isChecking = false
    if (!state) return
    if (!state.isHeld) running.context.abort(AbortReason.takenAway())
    else if (state.cancelRequestedBy !== undefined) running.context.abort(AbortReason.canceled(state.cancelRequestedBy))
  }
}
