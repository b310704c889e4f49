import { applyEvent } from './apply-event.ts'
import { applyRule } from './phase-rules.ts'
import { dependentsOf, type PlannedService } from './planned-service.ts'
import {
  dueAt,
  initialState,
  isFailureTolerated,
  isGone,
  type ServiceAction,
  type ServiceEvent,
  type ServiceState,
  type Transition,
} from './service-state.ts'

/** All services of a session: what is wanted of them together, and the state of each. Pure data; see service-state.ts. */
export interface SessionState {
  readonly services: ReadonlyMap<string, PlannedService>
  /** By each service, those that depend on it. */
  readonly dependents: ReadonlyMap<string, readonly string[]>
  readonly states: ReadonlyMap<string, ServiceState>
  readonly isStopping: boolean
  readonly isForced: boolean
  /** The first failure, for which everything is stopped. */
  readonly failure: { readonly error: Error } | undefined
}

export type SessionEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'stop' }
  /** Stops without waiting. */
  | { readonly kind: 'force' }
  | { readonly kind: 'restart'; readonly name: string; readonly reason?: string | undefined }
  | (ServiceEvent & { readonly name: string; readonly generation: number })

export type SessionAction = ServiceAction & { readonly name: string; readonly generation: number }

export function initialSession(planned: readonly PlannedService[], now: number): SessionState {
  return {
    services: new Map(planned.map((service) => [service.name, service])),
    dependents: dependentsOf(planned),
    states: new Map(planned.map(({ name }) => [name, initialState(now)])),
    isStopping: false,
    isForced: false,
    failure: undefined,
  }
}

/** The state after an event, and what is to be done about it. */
export function advance(
  before: SessionState,
  event: SessionEvent,
  now: number,
): { state: SessionState; actions: readonly SessionAction[] } {
  const states = new Map(before.states)
  const actions: SessionAction[] = []
  let all: SessionState = { ...before, states }

  const take = (name: string, transition: Transition | undefined): boolean => {
    if (transition === undefined) return false
    const { generation } = transition.state
    states.set(name, transition.state)
    actions.push(...transition.actions.map((action) => ({ ...action, name, generation })))
    return true
  }
  const stop = (change: Partial<SessionState>) => {
    all = { ...all, isStopping: true, ...change }
    for (const [name, state] of states) states.set(name, { ...state, desired: { ...state.desired, isUp: false } })
  }

  if (event.kind === 'stop') stop({})
  else if (event.kind === 'force') stop({ isForced: true })
  else if (event.kind === 'restart') {
    const state = states.get(event.name)
    if (state?.desired.isUp) {
      const desired = { ...state.desired, revision: state.desired.revision + 1, reason: event.reason }
      states.set(event.name, { ...state, desired })
    }
  } else if (event.kind !== 'tick') {
    const state = states.get(event.name)
    // An event about an earlier generation comes too late.
    if (state?.generation === event.generation) {
      take(event.name, applyEvent(state, event, { service: all.services.get(event.name)!, now }))
    }
  }

  for (let isSettled = false; !isSettled; ) {
    isSettled = true
    for (const [name, service] of all.services) {
      const context = {
        service,
        now,
        mayStart: service.dependsOn.every((on) => states.get(on.name)!.reached.includes(on.until)),
        mayStop: all.isForced || all.dependents.get(name)!.every((dependent) => isGone(states.get(dependent)!)),
        isForced: all.isForced,
      }
      if (take(name, applyRule(states.get(name)!, context))) isSettled = false
    }
    if (!all.isStopping) {
      const failure = firstFailure(all)
      if (failure !== undefined || isIdle(all)) {
        stop({ failure })
        isSettled = false
      }
    }
  }
  return { state: all, actions }
}

/** Whether everything has stopped. */
export function isFinished({ isStopping, states }: SessionState): boolean {
  return isStopping && [...states.values()].every(isGone)
}

/** When a `tick` has something to do. */
export function nextDueAt({ states }: SessionState): number | undefined {
  const due = [...states.values()].flatMap((state) => dueAt(state) ?? [])
  return due.length === 0 ? undefined : Math.min(...due)
}

function firstFailure({ states }: SessionState): SessionState['failure'] {
  for (const state of states.values()) {
    const { phase } = state
    if (phase.name === 'finished' && phase.result === 'failed' && !isFailureTolerated(state)) {
      return { error: phase.error }
    }
  }
  return undefined
}

/** Whether everything has ended by itself, and no watched path could start it again. */
function isIdle({ states, services }: SessionState): boolean {
  return [...states].every(
    ([name, { phase }]) =>
      phase.name === 'finished' && phase.result !== 'failed' && services.get(name)!.watch.length === 0,
  )
}
