import { afterExit, type Exit, exitInWords, forgivenMs, settledMs } from './after-exit.ts'
import { afterStop, fail, over } from './life-steps.ts'
import { type Milestone, type PlannedService, probeInWords } from './planned-service.ts'
import { ServiceFailedError } from './service-errors.ts'
import { type Circumstances, type Life, type LifeEvent, type Step, to } from './service-life.ts'

/** What an event changes; undefined when it means nothing in this phase. */
export function hear(life: Life, event: LifeEvent, { service, now }: Pick<Circumstances, 'service' | 'now'>) {
  const { moment } = life
  switch (event.kind) {
    case 'launched':
      return moment.phase === 'launching' ? begin(life, service, now) : undefined
    case 'not launched':
      if (moment.phase !== 'launching') return undefined
      return event.error === undefined ? over(life, 'stopped', now) : fail(life, event.error, now)
    case 'answered': {
      if (moment.phase !== 'starting' || service.oneshot) return undefined
      const reached: Milestone[] = ['started', 'ready']
      return to({ ...life, hasBeenUp: true, reached }, { phase: 'up' }, now, [{ do: 'tell', state: 'ready' }])
    }
    case 'exited':
      return moment.phase === 'starting' || moment.phase === 'up' ? end(life, event.exit, service, now) : undefined
    case 'emptied':
      if (moment.phase === 'stopping') return afterStop({ ...life, hasGroup: false }, now)
      return moment.phase === 'over' ? { life: { ...life, hasGroup: false }, actions: [] } : undefined
  }
}

function begin(life: Life, { probe, oneshot }: PlannedService, now: number): Step {
  const begun: Life = { ...life, hasGroup: true, launchedAt: now, reached: ['started'] }
  if (oneshot) return to(begun, { phase: 'starting', readyBy: undefined }, now, [])
  if (probe === undefined) {
    // Without a probe the start is all there is to see.
    return to({ ...begun, reached: ['started', 'ready'] }, { phase: 'up' }, now, [{ do: 'tell', state: 'started' }])
  }
  return to(begun, { phase: 'starting', readyBy: now + probe.timeoutMs }, now, [
    { do: 'tell', state: 'starting', detail: `waiting for ${probeInWords(probe)}` },
    { do: 'probe' },
  ])
}

/** The first process has ended without being asked to. */
function end(life: Life, exit: Exit, service: PlannedService, now: number): Step {
  const livedMs = now - life.launchedAt
  const hasBeenUp = life.hasBeenUp || (service.probe === undefined && livedMs >= settledMs)
  const failures = livedMs >= forgivenMs ? 0 : life.failures
  const ended: Life = { ...life, hasBeenUp, failures }
  const after = afterExit(service, exit, { hasBeenUp, failures })
  if (after.next === 'failed') {
    return fail(ended, new ServiceFailedError(service.name, exitInWords(exit), exit.status || 1), now)
  }
  if (after.next === 'ended') {
    if (!service.oneshot) return over(ended, 'ended', now, exitInWords(exit))
    return over({ ...ended, reached: ['started', 'ready', 'completed'] }, 'completed', now)
  }
  const detail = `${exitInWords(exit)}, starts again in ${after.delayMs / 1000} s`
  const moment = {
    phase: 'stopping',
    step: 'asked',
    askedAt: now,
    dueAt: now + service.stopTimeoutMs,
    pauseMs: after.delayMs,
  } as const
  return to({ ...ended, failures: failures + 1, reached: [] }, moment, now, [
    { do: 'abort' },
    { do: 'tell', state: 'restarting', detail },
    { do: 'signal', signal: service.stopSignal },
    { do: 'await end' },
  ])
}
