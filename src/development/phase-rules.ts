import { toDurationText } from '../config/duration.ts'
import { OpsError } from '../errors.ts'
import { formatProbe, type Probe, serviceOf } from './planned-service.ts'
import {
  isFailureTolerated,
  needsRestart,
  type PhaseName,
  type PhaseOf,
  type RuleContext,
  type ServiceState,
  type Transition,
} from './service-state.ts'
import { AFTER_KILL_MS, afterStop, enter, fail, finish, kill, report, stay, stopAsDesired } from './transitions.ts'

/** A worker takes a second signal within the first second for the same request. */
const RESEND_AFTER_MS = 1200

type Rule<Name extends PhaseName> = (
  state: ServiceState,
  phase: PhaseOf<Name>,
  context: RuleContext,
) => Transition | undefined

/** What follows from what is wanted and what was observed; undefined when nothing does. */
export function applyRule(state: ServiceState, context: RuleContext): Transition | undefined {
  const rule = RULES[state.phase.name] as Rule<PhaseName>
  return rule(state, state.phase, context)
}

const RULES: { readonly [Name in PhaseName]: Rule<Name> } = {
  waiting(state, { isReported }, { service, mayStart, now }) {
    if (!state.desired.isUp) return finish(state, { state: 'stopped' }, now)
    if (!mayStart) {
      if (isReported) return undefined
      const dependencies = service.dependsOn.map(({ name }) => name)
      return stay(state, { name: 'waiting', isReported: true }, [report({ state: 'waiting', dependencies })])
    }
    const next = {
      ...state,
      generation: state.generation + 1,
      revision: state.desired.revision,
      failures: needsRestart(state) ? 0 : state.failures,
      reached: [],
    }
    return enter(next, { name: 'launching', isAborted: false }, now, [report({ state: 'starting' }), { do: 'launch' }])
  },

  launching(state, { isAborted }) {
    if (state.desired.isUp || isAborted) return undefined
    return stay(state, { name: 'launching', isAborted: true }, [{ do: 'abort' }])
  },

  starting(state, { readyBy }, context) {
    const { service, now } = context
    const { probe } = service
    if (mustStop(state, context)) return stopAsDesired(state, service, now)
    if (readyBy === undefined || now < readyBy || probe === undefined) return undefined
    const error = notReady(service.name, probe)
    // Once it has been ready it may only be slow, and its work is not cut off.
    if (state.wasUp || isFailureTolerated(state)) {
      return stay(state, { name: 'starting', readyBy: undefined }, [report({ state: 'failed', error, probe })])
    }
    return fail(state, error, now, { probe })
  },

  up(state, _, context) {
    return mustStop(state, context) ? stopAsDesired(state, context.service, context.now) : undefined
  },

  stopping(state, phase, { service, now, isForced }) {
    const isDue = now >= phase.dueAt
    switch (phase.step) {
      case 'signaled':
        if (!isDue && !isForced) return undefined
        // The worker's tasks have groups of their own: killed, it could not end them.
        if (service.stopsOnSecondSignal) {
          return stay(state, { ...phase, step: 'resending', dueAt: phase.signaledAt + RESEND_AFTER_MS })
        }
        return kill(state, phase, now)
      case 'resending':
        if (!isDue) return undefined
        return stay(state, { ...phase, step: 'resent', dueAt: now + AFTER_KILL_MS }, [
          { do: 'signal', signal: service.stopSignal },
        ])
      case 'resent':
        return isDue ? kill(state, phase, now) : undefined
      case 'killed':
        // Only what the kernel itself holds outlives SIGKILL, such as a read from a dead disk; nothing waits for that.
        return isDue ? afterStop({ ...state, hasGroup: false }, phase, now) : undefined
    }
  },

  backoff(state, { dueAt }, { now }) {
    if (!state.desired.isUp) return finish(state, { state: 'stopped' }, now)
    if (!needsRestart(state) && now < dueAt) return undefined
    return enter(state, { name: 'waiting', isReported: false }, now, [])
  },

  finished(state, _, { service, now, mayStop }) {
    const isRestarted = state.desired.isUp && needsRestart(state)
    if (state.hasGroup && (isRestarted || (!state.desired.isUp && mayStop))) return stopAsDesired(state, service, now)
    return isRestarted ? enter(state, { name: 'waiting', isReported: false }, now, []) : undefined
  },
}

function mustStop(state: ServiceState, { mayStop }: RuleContext): boolean {
  return state.desired.isUp ? needsRestart(state) : mayStop
}

function notReady(service: string, probe: Probe): OpsError {
  const timeout = toDurationText(probe.timeoutMs)
  const where = `services.${serviceOf(service)}.ready`
  const message = `The service "${service}" was not ready within ${timeout}; waited for ${formatProbe(probe)}.`
  return new OpsError('SERVICE_NOT_READY', message, { where, suggestions: [`increase ${where}.timeout`] })
}
