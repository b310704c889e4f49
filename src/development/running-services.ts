import { groupMembers } from '../platform/process-group.ts'
import { type Control, outcomeOfRestart } from './control.ts'
import { advance, type Fleet, type FleetEvent, isFinished, leftToStop, newFleet, nextDueAt } from './fleet.ts'
import { type Habitat, Incarnations } from './incarnations.ts'
import { isInstanceOf, type PlannedService } from './planned-service.ts'
import type { Life } from './service-life.ts'
import { type ServiceStatus, statusOf } from './service-status.ts'

export interface Surroundings extends Habitat {
  readonly stop: AbortSignal
  readonly force: AbortSignal
}

const tellEveryMs = 500

/** setTimeout takes no more. */
const longestTimerMs = 2 ** 31 - 1

/** The thin shell around the fleet: it has done what the fleet decides, and tells the fleet what has happened. */
export class RunningServices implements Control {
  readonly #surroundings: Surroundings
  readonly #incarnations: Incarnations
  readonly #finished = Promise.withResolvers<void>()
  readonly #onlookers = new Set<() => void>()
  #fleet: Fleet
  #timer: NodeJS.Timeout | undefined

  constructor(planned: readonly PlannedService[], surroundings: Surroundings) {
    this.#surroundings = surroundings
    this.#fleet = newFleet(planned, performance.now())
    this.#incarnations = new Incarnations(planned, surroundings, (event) => this.#hear(event))
  }

  /** @throws OpsError of the first service that failed */
  async run(): Promise<void> {
    const { stop, force } = this.#surroundings
    const onStop = () => this.stop()
    const onForce = () => this.force()
    stop.addEventListener('abort', onStop)
    force.addEventListener('abort', onForce)
    this.#hear({ kind: stop.aborted ? 'stop' : 'tick' })
    const telling = setInterval(() => this.#tellWhoIsLeft(), tellEveryMs)
    try {
      await this.#finished.promise
    } finally {
      clearInterval(telling)
      clearTimeout(this.#timer)
      stop.removeEventListener('abort', onStop)
      force.removeEventListener('abort', onForce)
      this.#incarnations.close()
    }
    const { failure } = this.#fleet
    if (failure !== undefined && !stop.aborted) throw failure.error
  }

  status(): ServiceStatus[] {
    const now = performance.now()
    return [...this.#fleet.services.values()].map((service) => {
      const { name } = service
      const [pid, task] = [this.#incarnations.groupOf(name), this.#incarnations.taskOf(name)]
      return statusOf(service, this.#life(name), { now, pid, task })
    })
  }

  named(name: string): string[] {
    return [...this.#fleet.services.keys()].filter((instance) => isInstanceOf(instance, name))
  }

  async restart(name: string): Promise<number> {
    const askedAt = performance.now()
    const edition = this.#life(name).desired.edition + 1
    this.touch(name)
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        const outcome = outcomeOfRestart(this.#life(name), edition, this.#fleet)
        if (outcome === undefined) return
        this.#onlookers.delete(look)
        if (outcome === 'done') resolve()
        else reject(outcome)
      }
      this.#onlookers.add(look)
      look()
    })
    return performance.now() - askedAt
  }

  touch(name: string, why?: string): void {
    this.#hear({ kind: 'restart', name, why })
  }

  stop(): void {
    this.#hear({ kind: 'stop' })
  }

  force(): void {
    this.#hear({ kind: 'force' })
  }

  #life(name: string): Life {
    return this.#fleet.lives.get(name)!
  }

  #hear(event: FleetEvent): void {
    const { fleet, actions } = advance(this.#fleet, event, performance.now())
    this.#fleet = fleet
    for (const action of actions) {
      if (action.do === 'tell') this.#surroundings.report.state(action.name, action.state, action.detail)
      else this.#incarnations.act(action)
    }
    clearTimeout(this.#timer)
    const dueAt = nextDueAt(fleet)
    if (dueAt !== undefined) {
      const delay = Math.min(Math.max(0, dueAt - performance.now()) + 1, longestTimerMs)
      this.#timer = setTimeout(() => this.#hear({ kind: 'tick' }), delay)
    }
    for (const look of this.#onlookers) look()
    if (isFinished(this.#fleet)) this.#finished.resolve()
  }

  #tellWhoIsLeft(): void {
    if (!this.#fleet.isStopping) return
    const now = performance.now()
    const left = leftToStop(this.#fleet).map((name) => {
      const { moment } = this.#life(name)
      const group = this.#incarnations.groupOf(name)
      return {
        name,
        task: this.#incarnations.taskOf(name)?.name,
        processes: group === undefined ? [] : groupMembers(group),
        forcedInMs: moment.phase === 'stopping' ? Math.max(0, moment.dueAt - now) : undefined,
      }
    })
    this.#surroundings.report.stillStopping(left)
  }
}
