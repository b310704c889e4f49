import { groupMembers } from '../platform/process-group.ts'
import { LONGEST_TIMER_MS, type Stop } from '../platform/stop.ts'
import type { Control } from './control-server.ts'
import { isInstanceOf, type PlannedService } from './planned-service.ts'
import { type ProcessOptions, ServiceProcesses } from './service-processes.ts'
import { isGone, type ServiceState } from './service-state.ts'
import { type ServiceStatus, statusOf } from './service-status.ts'
import {
  advance,
  initialSession,
  isFinished,
  nextDueAt,
  type SessionEvent,
  type SessionState,
} from './session-state.ts'

export interface SupervisorOptions extends ProcessOptions {
  readonly stop: Pick<Stop, 'requested' | 'forced'>
}

const REPORT_EVERY_MS = 500

/**
 * Starts the services as their dependencies allow, keeps them running, and stops them in reverse order: when a stop is
 * requested, when one has failed for good, or when none is left. It performs what session-state.ts decides.
 */
export class Supervisor implements Control {
  readonly #options: SupervisorOptions
  readonly #processes: ServiceProcesses
  readonly #finished = Promise.withResolvers<void>()
  readonly #observers = new Set<() => void>()
  #all: SessionState
  #timer: NodeJS.Timeout | undefined

  constructor(planned: readonly PlannedService[], options: SupervisorOptions) {
    this.#options = options
    this.#all = initialSession(planned, performance.now())
    this.#processes = new ServiceProcesses(planned, options, (event) => this.#dispatch(event))
  }

  /**
   * Resolves when no process of the services is left.
   *
   * @throws the error of the first service that failed
   */
  async run(): Promise<void> {
    const { requested, forced } = this.#options.stop
    const onRequested = () => this.stop()
    const onForced = () => this.force()
    requested.addEventListener('abort', onRequested)
    forced.addEventListener('abort', onForced)
    this.#dispatch({ kind: requested.aborted ? 'stop' : 'tick' })
    const reporting = setInterval(() => this.#reportStillStopping(), REPORT_EVERY_MS)
    try {
      await this.#finished.promise
    } finally {
      clearInterval(reporting)
      clearTimeout(this.#timer)
      requested.removeEventListener('abort', onRequested)
      forced.removeEventListener('abort', onForced)
      this.#processes.close()
    }
    const { failure } = this.#all
    if (failure !== undefined && !requested.aborted) throw failure.error
  }

  status(): ServiceStatus[] {
    const now = performance.now()
    return [...this.#all.services.values()].map((service) => {
      const { name } = service
      const [pid, task] = [this.#processes.groupOf(name), this.#processes.taskOf(name)]
      return statusOf(service, this.#state(name), { now, pid, task })
    })
  }

  instancesOf(name: string): string[] {
    return [...this.#all.services.keys()].filter((instance) => isInstanceOf(instance, name))
  }

  async restart(name: string): Promise<number> {
    const requestedAt = performance.now()
    const revision = this.#state(name).desired.revision + 1
    this.requestRestart(name)
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        const result = restartResult(this.#state(name), revision, this.#all)
        if (result === undefined) return
        this.#observers.delete(check)
        if (result === 'done') resolve()
        else reject(result)
      }
      this.#observers.add(check)
      check()
    })
    return performance.now() - requestedAt
  }

  requestRestart(name: string, reason?: string): void {
    this.#dispatch({ kind: 'restart', name, reason })
  }

  stop(): void {
    this.#dispatch({ kind: 'stop' })
  }

  force(): void {
    this.#dispatch({ kind: 'force' })
  }

  #state(name: string): ServiceState {
    return this.#all.states.get(name)!
  }

  #dispatch(event: SessionEvent): void {
    const { state, actions } = advance(this.#all, event, performance.now())
    this.#all = state
    for (const action of actions) {
      if (action.do === 'report') this.#options.reporter.changed(action.name, action.change)
      else this.#processes.perform(action)
    }
    clearTimeout(this.#timer)
    const dueAt = nextDueAt(state)
    if (dueAt !== undefined) {
      const delay = Math.min(Math.max(0, dueAt - performance.now()) + 1, LONGEST_TIMER_MS)
      this.#timer = setTimeout(() => this.#dispatch({ kind: 'tick' }), delay)
    }
    for (const check of this.#observers) check()
    if (isFinished(this.#all)) this.#finished.resolve()
  }

  #reportStillStopping(): void {
    if (!this.#all.isStopping) return
    const now = performance.now()
    const left = [...this.#all.states]
      .filter(([, state]) => !isGone(state))
      .map(([name, { phase }]) => {
        const group = this.#processes.groupOf(name)
        return {
          name,
          task: this.#processes.taskOf(name)?.name,
          processes: group === undefined ? [] : groupMembers(group),
          killedInMs: phase.name === 'stopping' ? Math.max(0, phase.dueAt - now) : undefined,
        }
      })
    this.#options.reporter.stillStopping(left)
  }
}

/** The result of a restart; undefined while it is not decided. */
function restartResult(
  state: ServiceState,
  revision: number,
  { isStopping }: SessionState,
): 'done' | Error | undefined {
  if (isStopping) return new Error('all services are stopping')
  if (state.revision < revision) return undefined
  const { phase } = state
  if (phase.name === 'finished' && phase.result === 'failed') return phase.error
  if (phase.name === 'up' || isGone(state)) return 'done'
  return phase.name === 'backoff' ? new Error('it failed, and will be restarted') : undefined
}
