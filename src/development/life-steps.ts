import { type Circumstances, type Life, type LifeAction, type Moment, type Step, to } from './service-life.ts'

/* What rules and events have in common: the steps by which a life goes on. */

const lastWordsMs = 5000

export function isBehind({ edition, desired }: Life): boolean {
  return edition < desired.edition
}

export function isToStop(life: Life, { mayStop }: Circumstances): boolean {
  return life.desired.isUp ? isBehind(life) : mayStop
}

/** The one stop signal. */
export function ask(life: Life, { service, now }: Circumstances): Step {
  const moment = {
    phase: 'stopping',
    step: 'asked',
    askedAt: now,
    dueAt: now + service.stopTimeoutMs,
    pauseMs: undefined,
  } as const
  return to({ ...life, reached: [] }, moment, now, [
    { do: 'abort' },
    life.desired.isUp
      ? { do: 'tell', state: 'restarting', detail: restartInWords(life) }
      : { do: 'tell', state: 'stopping' },
    { do: 'signal', signal: service.stopSignal },
    { do: 'await end' },
  ])
}

function restartInWords({ desired: { why } }: Life): string {
  const reason = why === undefined ? '' : `${why}: `
  return `${reason}is asked to stop, and starts again then`
}

export function stopFurther(
  life: Life,
  step: 'insisting' | 'insisted' | 'killed',
  dueAt: number,
  actions: readonly LifeAction[],
): Step {
  const moment = life.moment as Extract<Moment, { phase: 'stopping' }>
  return { life: { ...life, moment: { ...moment, step, dueAt } }, actions }
}

export function kill(life: Life, now: number): Step {
  return stopFurther(life, 'killed', now + lastWordsMs, [{ do: 'signal', signal: 'SIGKILL' }])
}

export function afterStop(life: Life, now: number): Step {
  const { step, pauseMs } = life.moment as Extract<Moment, { phase: 'stopping' }>
  if (!life.desired.isUp) return over(life, step === 'killed' ? 'killed' : 'stopped', now)
  const told: LifeAction[] = step === 'killed' && pauseMs === undefined ? [{ do: 'tell', state: 'killed' }] : []
  if (isBehind(life) || pauseMs === undefined) return to(life, { phase: 'waiting', isTold: false }, now, told)
  return to(life, { phase: 'pausing', dueAt: now + pauseMs }, now, told)
}

export function fail(life: Life, error: unknown, now: number): Step {
  return to({ ...life, reached: [] }, { phase: 'over', how: 'failed', error }, now, [
    { do: 'abort' },
    { do: 'tell', state: 'failed', detail: (error as Error).message },
    { do: 'await end' },
  ])
}

export function over(
  life: Life,
  how: 'completed' | 'ended' | 'stopped' | 'killed',
  now: number,
  detail?: string,
): Step {
  // Nobody wants to hear that something has stopped that had not begun.
  const isNews = how !== 'stopped' || life.moment.phase === 'stopping'
  const told: LifeAction[] = isNews ? [{ do: 'tell', state: how, ...(detail !== undefined && { detail }) }] : []
  return to(life, { phase: 'over', how }, now, [...told, ...(life.hasGroup ? [{ do: 'await end' } as const] : [])])
}
