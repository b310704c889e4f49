import { setTimeout as delay } from 'node:timers/promises'
import type { RunningOps } from '../support/running-ops.ts'
import { until } from '../support/until.ts'
import type { Random } from './random.ts'

/** Long enough to finish a task and disconnect from the database on a busy machine. */
const TIMEOUT_MS = 60_000

export interface Kill {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A worker that is restarted whenever it has ended. */
export class TorturedWorker {
  readonly kills: Kill[] = []
  /** What it did wrong. */
  readonly problems: string[] = []
  stops = 0
  pauses = 0
  readonly #start: () => RunningOps
  readonly #mayFailToStart: boolean
  #ops: RunningOps

  /** @param mayFailToStart whether the database is sometimes away, so that a worker may give up while it starts */
  constructor(start: () => RunningOps, { mayFailToStart }: { mayFailToStart: boolean }) {
    this.#start = start
    this.#mayFailToStart = mayFailToStart
    this.#ops = start()
  }

  async isUp(): Promise<void> {
    const isPolling = async () => {
      await this.#checkAlive()
      return this.#isPolling
    }
    await until(isPolling, 'a worker polls', TIMEOUT_MS).catch((error: Error) => {
      throw new Error(`${error.message}; it wrote: ${this.#ops.output}`)
    })
  }

  get #isPolling(): boolean {
    return this.#ops.output.includes('"polling"')
  }

  /** Kills it mostly; sometimes stops it in order or pauses it, at any moment. */
  async crash(random: Random): Promise<void> {
    await this.#checkAlive()
    if (random.happens(0.08)) await this.stopInOrder()
    else if (random.happens(0.12)) await this.#pause(random)
    else await this.#kill()
  }

  async stopInOrder(): Promise<void> {
    this.stops += 1
    // Before it handles the signal, it would simply end.
    await this.isUp()
    await this.end()
    this.#ops = this.#start()
  }

  /** Stops it for good. */
  async end(): Promise<void> {
    this.#ops.kill('SIGTERM')
    const exit = await Promise.race([this.#ops.exit, delay(TIMEOUT_MS, 'nothing', { ref: false })])
    if (exit !== 0) this.#complain(`was stopped and ended with ${exit}`)
    if (exit === 'nothing') await this.#ops.destroy()
  }

  /** Kills it without checks. */
  async destroy(): Promise<void> {
    await this.#ops.destroy()
  }

  async #kill(): Promise<void> {
    this.#ops.kill('SIGKILL')
    this.kills.push({ pid: this.#ops.pid, at: Date.now() })
    await this.#ops.exit
    this.#ops = this.#start()
  }

  async #pause(random: Random): Promise<void> {
    this.pauses += 1
    this.#ops.kill('SIGSTOP')
    await delay(random.between(20, 1500))
    // Some never continue.
    if (random.happens(0.5)) await this.#kill()
    else this.#ops.kill('SIGCONT')
  }

  async #checkAlive(): Promise<void> {
    const exit = await Promise.race([this.#ops.exit, delay(0, 'alive')])
    if (exit === 'alive') return
    const isExcused = this.#mayFailToStart && !this.#isPolling && exit === 1
    if (!isExcused) this.#complain(`ended by itself with ${exit}`)
    this.#ops = this.#start()
  }

  #complain(what: string): void {
    this.problems.push(`worker ${this.#ops.pid} ${what}:\n${this.#ops.output.split('\n').slice(-8).join('\n')}`)
  }
}
