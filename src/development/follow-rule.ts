import { afterStop, ask, fail, isBehind, isToStop, kill, over, stopFurther } from './life-steps.ts'
import { probeInWords } from './planned-service.ts'
import { ServiceNotReadyError } from './service-errors.ts'
import {
  type Circumstances,
  isForgiven,
  type Life,
  type LifeAction,
  type Moment,
  type Phase,
  type Step,
  to,
} from './service-life.ts'

/** A worker takes a second signal within the first second for the same one. */
const secondSignalMs = 1200
const lastWordsMs = 5000

type Rule<P extends Phase> = (
  life: Life,
  moment: Extract<Moment, { phase: P }>,
  circumstances: Circumstances,
) => Step | undefined

/** What follows from what is wanted and what was seen; undefined when nothing does. */
export function follow(life: Life, circumstances: Circumstances): Step | undefined {
  const rule = rules[life.moment.phase] as Rule<Phase>
  return rule(life, life.moment, circumstances)
}

const rules: { readonly [P in Phase]: Rule<P> } = {
  waiting(life, { isTold }, { service, mayStart, now }) {
    if (!life.desired.isUp) return over(life, 'stopped', now)
    if (!mayStart) {
      if (isTold) return undefined
      const detail = `waiting for ${service.dependsOn.map(({ name }) => name).join(', ')}`
      return {
        life: { ...life, moment: { phase: 'waiting', isTold: true } },
        actions: [{ do: 'tell', state: 'waiting', detail }],
      }
    }
    const next = {
      ...life,
      incarnation: life.incarnation + 1,
      edition: life.desired.edition,
      failures: life.edition < life.desired.edition ? 0 : life.failures,
      reached: [],
    }
    return to(next, { phase: 'launching', isAborted: false }, now, [
      { do: 'tell', state: 'starting' },
      { do: 'launch' },
    ])
  },

  launching(life, { isAborted }) {
    if (life.desired.isUp || isAborted) return undefined
    return { life: { ...life, moment: { phase: 'launching', isAborted: true } }, actions: [{ do: 'abort' }] }
  },

  starting(life, moment, circumstances) {
    const { service, now } = circumstances
    if (isToStop(life, circumstances)) return ask(life, circumstances)
    if (moment.readyBy === undefined || now < moment.readyBy || service.probe === undefined) return undefined
    const error = new ServiceNotReadyError(service.name, probeInWords(service.probe), service.probe.timeoutMs)
    const told: LifeAction = { do: 'tell', state: 'failed', detail: error.message }
    // One that has been ready is left to itself: it may only be slow, and what it does is not ours to cut off.
    if (life.hasBeenUp || isForgiven(life)) {
      return { life: { ...life, moment: { phase: 'starting', readyBy: undefined } }, actions: [told] }
    }
    return fail(life, error, now)
  },

  up(life, _, circumstances) {
    return isToStop(life, circumstances) ? ask(life, circumstances) : undefined
  },

  stopping(life, moment, { service, now, isForced }) {
    const isDue = now >= moment.dueAt
    switch (moment.step) {
      case 'asked':
        if (!isDue && !isForced) return undefined
        // The worker's tasks have groups of their own: killed, it could not end them.
        if (service.yieldsWhenAskedTwice) return stopFurther(life, 'insisting', moment.askedAt + secondSignalMs, [])
        return kill(life, now)
      case 'insisting':
        if (!isDue) return undefined
        return stopFurther(life, 'insisted', now + lastWordsMs, [{ do: 'signal', signal: service.stopSignal }])
      case 'insisted':
        return isDue ? kill(life, now) : undefined
      case 'killed':
        // Only what the kernel itself holds outlives SIGKILL, such as a read from a dead disk; that is not waited for.
        return isDue ? afterStop({ ...life, hasGroup: false }, now) : undefined
    }
  },

  pausing(life, moment, { now }) {
    if (!life.desired.isUp) return over(life, 'stopped', now)
    return isBehind(life) || now >= moment.dueAt ? to(life, { phase: 'waiting', isTold: false }, now, []) : undefined
  },

  over(life, _, circumstances) {
    const { now, mayStop } = circumstances
    const isWantedAgain = life.desired.isUp && isBehind(life)
    if (life.hasGroup && (isWantedAgain || (!life.desired.isUp && mayStop))) return ask(life, circumstances)
    return isWantedAgain ? to(life, { phase: 'waiting', isTold: false }, now, []) : undefined
  },
}
