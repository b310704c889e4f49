import type { Exit } from './after-exit.ts'
import type { Milestone, PlannedService } from './planned-service.ts'
import type { ServiceState } from './service-report.ts'

/*
 * One service over all its starts, as data and rules: nothing here waits, reads a clock or touches a process. What is
 * wanted (`desired`) and what was seen (the rest) are apart; events change what was seen, and the rule of the phase says
 * what follows from both. Each start is an incarnation with a number, so that news of an earlier one are never taken for
 * news of this one.
 */

export type Phase = Moment['phase']

/** Which phase may follow which. */
export const following: Readonly<Record<Phase, readonly Phase[]>> = {
  waiting: ['launching', 'over'],
  launching: ['starting', 'up', 'over'],
  starting: ['up', 'stopping', 'over'],
  up: ['stopping', 'over'],
  stopping: ['waiting', 'pausing', 'over'],
  pausing: ['waiting', 'over'],
  over: ['waiting', 'stopping'],
}

export type Moment =
  /** For what it depends on. */
  | { readonly phase: 'waiting'; readonly isTold: boolean }
  /** Its process is being made. */
  | { readonly phase: 'launching'; readonly isAborted: boolean }
  /** Its process lives, and its probe has not been answered; or it is a oneshot at work. */
  | { readonly phase: 'starting'; readonly readyBy: number | undefined }
  | { readonly phase: 'up' }
  /** Its processes were asked to end. With `pauseMs` it starts again after that time. */
  | {
      readonly phase: 'stopping'
      readonly step: 'asked' | 'insisting' | 'insisted' | 'killed'
      readonly askedAt: number
      readonly dueAt: number
      readonly pauseMs: number | undefined
    }
  /** Until its next start. */
  | { readonly phase: 'pausing'; readonly dueAt: number }
  | { readonly phase: 'over'; readonly how: 'completed' | 'ended' | 'stopped' | 'killed' }
  | { readonly phase: 'over'; readonly how: 'failed'; readonly error: unknown }

export interface Life {
  /** `edition` counts the restarts that were asked for; `why` is the reason of the latest, where it has one. */
  readonly desired: { readonly isUp: boolean; readonly edition: number; readonly why?: string | undefined }
  readonly moment: Moment
  /** When the phase began. */
  readonly since: number
  /** How many times it was launched. */
  readonly incarnation: number
  /** The desired edition at the latest launch. */
  readonly edition: number
  /** Whether processes of the latest incarnation may live. */
  readonly hasGroup: boolean
  readonly launchedAt: number
  readonly reached: readonly Milestone[]
  readonly hasBeenUp: boolean
  /** In a row. */
  readonly failures: number
}

export type LifeEvent =
  | { readonly kind: 'launched' }
  /** Without an error it was aborted. */
  | { readonly kind: 'not launched'; readonly error?: unknown }
  | { readonly kind: 'answered' }
  /** The first process has ended, and what it wrote has been passed on. */
  | { readonly kind: 'exited'; readonly exit: Exit }
  /** No process of the group is left. */
  | { readonly kind: 'emptied' }

export type LifeAction =
  | { readonly do: 'launch' | 'abort' | 'probe' | 'await end' }
  | { readonly do: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly do: 'tell'; readonly state: ServiceState; readonly detail?: string }

export interface Step {
  readonly life: Life
  readonly actions: readonly LifeAction[]
}

/** What a rule may look at. */
export interface Circumstances {
  readonly service: PlannedService
  readonly now: number
  /** All that it depends on is there. */
  readonly mayStart: boolean
  /** Nothing that depends on it is left. */
  readonly mayStop: boolean
  /** Nobody wants to wait any longer. */
  readonly isForced: boolean
}

export function newLife(now: number): Life {
  return {
    desired: { isUp: true, edition: 1 },
    moment: { phase: 'waiting', isTold: false },
    since: now,
    incarnation: 0,
    edition: 0,
    hasGroup: false,
    launchedAt: now,
    reached: [],
    hasBeenUp: false,
    failures: 0,
  }
}

/** Whether a failure is told and left at that: somebody works on the service, and will start it again. */
export function isForgiven({ edition }: Life): boolean {
  return edition > 1
}

/** When the rule of its phase has something to do although nothing has happened. */
export function dueAt({ moment }: Life): number | undefined {
  if (moment.phase === 'stopping' || moment.phase === 'pausing') return moment.dueAt
  return moment.phase === 'starting' ? moment.readyBy : undefined
}

/** Goes over into another phase. */
export function to(life: Life, moment: Moment, now: number, actions: readonly LifeAction[]): Step {
  if (!following[life.moment.phase].includes(moment.phase)) {
    throw new Error(`A service cannot go from "${life.moment.phase}" to "${moment.phase}".`)
  }
  return { life: { ...life, moment, since: now }, actions }
}
