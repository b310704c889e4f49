import type { PlannedService, Probe } from './planned-service.ts'
import type { Exit, ServiceChange } from './service-reporter.ts'
import {
  needsRestart,
  type Phase,
  type PhaseName,
  type PhaseOf,
  type ServiceAction,
  type ServiceState,
  type Transition,
} from './service-state.ts'

/* The transitions that events and rules share. */

/** How long anything may take to disappear after SIGKILL. */
export const AFTER_KILL_MS = 5000

const NEXT_PHASES: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  waiting: ['launching', 'finished'],
  launching: ['starting', 'up', 'finished'],
  starting: ['up', 'stopping', 'finished'],
  up: ['stopping', 'finished'],
  stopping: ['waiting', 'backoff', 'finished'],
  backoff: ['waiting', 'finished'],
  finished: ['waiting', 'stopping'],
}

/** Enters another phase. */
export function enter(state: ServiceState, phase: Phase, now: number, actions: readonly ServiceAction[]): Transition {
  if (!NEXT_PHASES[state.phase.name].includes(phase.name)) {
    throw new Error(`A service cannot go from "${state.phase.name}" to "${phase.name}".`)
  }
  return { state: { ...state, phase, since: now }, actions }
}

/** Stays in its phase, with changes. */
export function stay(state: ServiceState, phase: Phase, actions: readonly ServiceAction[] = []): Transition {
  return { state: { ...state, phase }, actions }
}

export const report = (change: ServiceChange): ServiceAction => ({ do: 'report', change })

/**
 * Sends the stop signal, once.
 *
 * @param restartDelayMs when it starts again by itself
 */
export function stop(
  state: ServiceState,
  { stopSignal, stopTimeoutMs }: PlannedService,
  now: number,
  { change, restartDelayMs }: { change: ServiceChange; restartDelayMs?: number },
): Transition {
  const phase: PhaseOf<'stopping'> = {
    name: 'stopping',
    step: 'signaled',
    signaledAt: now,
    dueAt: now + stopTimeoutMs,
    restartDelayMs,
    killedAfterMs: undefined,
  }
  return enter({ ...state, reached: [] }, phase, now, [
    { do: 'abort' },
    report(change),
    { do: 'signal', signal: stopSignal },
    { do: 'await_empty_group' },
  ])
}

/** Stops it because that is wanted: for good, or to restart it. */
export function stopAsDesired(state: ServiceState, service: PlannedService, now: number): Transition {
  const { isUp, reason } = state.desired
  return stop(state, service, now, { change: isUp ? { state: 'restarting', reason } : { state: 'stopping' } })
}

export function kill(state: ServiceState, phase: PhaseOf<'stopping'>, now: number): Transition {
  const killed = {
    ...phase,
    step: 'killed',
    dueAt: now + AFTER_KILL_MS,
    killedAfterMs: now - phase.signaledAt,
  } as const
  return stay(state, killed, [{ do: 'signal', signal: 'SIGKILL' }])
}

/** None of its processes is left. */
export function afterStop(state: ServiceState, phase: PhaseOf<'stopping'>, now: number): Transition {
  const { killedAfterMs, restartDelayMs } = phase
  const change: ServiceChange | undefined =
    killedAfterMs === undefined ? undefined : { state: 'killed', durationMs: killedAfterMs }
  if (!state.desired.isUp) return finish(state, change ?? { state: 'stopped' }, now)
  const actions = change && restartDelayMs === undefined ? [report(change)] : []
  if (needsRestart(state) || restartDelayMs === undefined) {
    return enter(state, { name: 'waiting', isReported: false }, now, actions)
  }
  return enter(state, { name: 'backoff', dueAt: now + restartDelayMs }, now, actions)
}

/** @param cause the exit, or the probe that timed out, where that is the failure */
export function fail(
  state: ServiceState,
  error: Error,
  now: number,
  cause: { exit?: Exit; probe?: Probe } = {},
): Transition {
  return enter({ ...state, reached: [] }, { name: 'finished', result: 'failed', error }, now, [
    { do: 'abort' },
    report({ state: 'failed', error, ...cause }),
    { do: 'await_empty_group' },
  ])
}

export function finish(
  state: ServiceState,
  change: Extract<ServiceChange, { state: 'completed' | 'exited' | 'stopped' | 'killed' }>,
  now: number,
): Transition {
  // A service that never started has nothing to report about its stop.
  const isNews = change.state !== 'stopped' || state.phase.name === 'stopping'
  return enter(state, { name: 'finished', result: change.state }, now, [
    ...(isNews ? [report(change)] : []),
    ...(state.hasGroup ? [{ do: 'await_empty_group' } as const] : []),
  ])
}
