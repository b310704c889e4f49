import { OpsError } from '../errors.ts'
import { formatExit } from '../format.ts'
import type { PlannedService } from './planned-service.ts'
import { afterExit, RESET_AFTER_MS, UP_AFTER_MS } from './restart-policy.ts'
import type { Exit } from './service-reporter.ts'
import type { RuleContext, ServiceEvent, ServiceState, Transition } from './service-state.ts'
import { afterStop, enter, fail, finish, report, stop } from './transitions.ts'

/** What an event changes; undefined when it means nothing in the current phase. */
export function applyEvent(
  state: ServiceState,
  event: ServiceEvent,
  { service, now }: Pick<RuleContext, 'service' | 'now'>,
): Transition | undefined {
  const { phase } = state
  switch (event.kind) {
    case 'launched':
      return phase.name === 'launching' ? afterLaunch(state, service, now) : undefined
    case 'launch_failed':
      if (phase.name !== 'launching') return undefined
      return event.error === undefined ? finish(state, { state: 'stopped' }, now) : fail(state, event.error, now)
    case 'probe_succeeded': {
      if (phase.name !== 'starting' || service.oneshot) return undefined
      const durationMs = now - state.launchedAt
      return enter({ ...state, wasUp: true, reached: ['started', 'ready'] }, { name: 'up' }, now, [
        report({ state: 'ready', durationMs }),
      ])
    }
    case 'exited':
      return phase.name === 'starting' || phase.name === 'up' ? exited(state, event.exit, service, now) : undefined
    case 'group_emptied':
      if (phase.name === 'stopping') return afterStop({ ...state, hasGroup: false }, phase, now)
      return phase.name === 'finished' ? { state: { ...state, hasGroup: false }, actions: [] } : undefined
  }
}

function afterLaunch(state: ServiceState, { probe, oneshot }: PlannedService, now: number): Transition {
  const launched: ServiceState = { ...state, hasGroup: true, launchedAt: now, reached: ['started'] }
  if (oneshot) return enter(launched, { name: 'starting', readyBy: undefined }, now, [])
  if (probe === undefined) {
    return enter({ ...launched, reached: ['started', 'ready'] }, { name: 'up' }, now, [report({ state: 'started' })])
  }
  return enter(launched, { name: 'starting', readyBy: now + probe.timeoutMs }, now, [
    report({ state: 'starting', probe }),
    { do: 'probe' },
  ])
}

/** The first process has exited without being told to. */
function exited(before: ServiceState, exit: Exit, service: PlannedService, now: number): Transition {
  const durationMs = now - before.launchedAt
  const wasUp = before.wasUp || (service.probe === undefined && durationMs >= UP_AFTER_MS)
  const failures = durationMs >= RESET_AFTER_MS ? 0 : before.failures
  const state: ServiceState = { ...before, wasUp, failures }
  const after = afterExit(service, exit, { wasUp, failures })
  if (after.next === 'fail') return fail(state, serviceFailed(service.name, exit), now, { exit })
  if (after.next === 'finish') {
    if (!service.oneshot) return finish(state, { state: 'exited', exit }, now)
    return finish({ ...state, reached: ['started', 'ready', 'completed'] }, { state: 'completed', durationMs }, now)
  }
  const { delayMs } = after
  const failingSince = failures === 0 ? now : state.failingSince
  const change = { state: 'restarting', exit, delayMs, failures: failures + 1, withinMs: now - failingSince } as const
  const failed = { ...state, failures: failures + 1, failingSince }
  return stop(failed, service, now, { change, restartDelayMs: delayMs })
}

/** Its exit status becomes that of ops. */
function serviceFailed(service: string, exit: Exit): OpsError {
  return new OpsError('SERVICE_FAILED', `The service "${service}" ${formatExit(exit)}.`, {
    exit: exit.exitCode || 1,
    suggestions: [`ops logs ${service}`],
  })
}
