import { setTimeout as delay } from 'node:timers/promises'
import type { RunningOps } from '../support/running-ops.ts'
import { until } from '../support/until.ts'
import type { Chance } from './chance.ts'

/** Long enough for the end of a task and a farewell to the database on a busy machine. */
const PATIENCE_MS = 60_000

export interface Kill {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A worker that is started again whenever it was ended. */
export class TorturedWorker {
  readonly kills: Kill[] = []
  /** What it did that nobody had asked for. */
  readonly problems: string[] = []
  stops = 0
  pauses = 0
  private readonly start: () => RunningOps
  private readonly mayFailToStart: boolean
  private ops: RunningOps

  /** @param mayFailToStart whether the database goes away now and then, so that one that starts just then gives up */
  constructor(start: () => RunningOps, { mayFailToStart }: { mayFailToStart: boolean }) {
    this.start = start
    this.mayFailToStart = mayFailToStart
    this.ops = start()
  }

  async isUp(): Promise<void> {
    const isPolling = async () => {
      await this.checkAlive()
      return this.isPolling
    }
    await until(isPolling, 'a worker polls', PATIENCE_MS).catch((error: Error) => {
      throw new Error(`${error.message}; it wrote: ${this.ops.output}`)
    })
  }

  private get isPolling(): boolean {
    return this.ops.output.includes('"polling"')
  }

  /** Most are killed; some are stopped in order, and some are paused, in the middle of whatever it is. */
  async suffer(chance: Chance): Promise<void> {
    await this.checkAlive()
    if (chance.happens(0.08)) await this.stopInOrder()
    else if (chance.happens(0.12)) await this.pause(chance)
    else await this.kill()
  }

  async stopInOrder(): Promise<void> {
    this.stops += 1
    // Before it listens, the signal ends it as it ends every program.
    await this.isUp()
    await this.end()
    this.ops = this.start()
  }

  /** For good. */
  async end(): Promise<void> {
    this.ops.kill('SIGTERM')
    const exit = await Promise.race([this.ops.exit, delay(PATIENCE_MS, 'nothing', { ref: false })])
    if (exit !== 0) this.complain(`was asked to stop and ended with ${exit}`)
    if (exit === 'nothing') await this.ops.destroy()
  }

  /** Where it goes on without a word: whatever it did no longer counts. */
  async abandon(): Promise<void> {
    await this.ops.destroy()
  }

  private async kill(): Promise<void> {
    this.ops.kill('SIGKILL')
    this.kills.push({ pid: this.ops.pid, at: Date.now() })
    await this.ops.exit
    this.ops = this.start()
  }

  private async pause(chance: Chance): Promise<void> {
    this.pauses += 1
    this.ops.kill('SIGSTOP')
    await delay(chance.between(20, 1500))
    // Some never go on.
    if (chance.happens(0.5)) await this.kill()
    else this.ops.kill('SIGCONT')
  }

  private async checkAlive(): Promise<void> {
    const exit = await Promise.race([this.ops.exit, delay(0, 'alive')])
    if (exit === 'alive') return
    const isExcused = this.mayFailToStart && !this.isPolling && exit === 1
    if (!isExcused) this.complain(`ended by itself with ${exit}`)
    this.ops = this.start()
  }

  private complain(what: string): void {
    this.problems.push(`worker ${this.ops.pid} ${what}:\n${this.ops.output.split('\n').slice(-8).join('\n')}`)
  }
}
