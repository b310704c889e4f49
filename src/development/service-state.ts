import type { Milestone, PlannedService } from './planned-service.ts'
import type { Exit, ServiceChange } from './service-reporter.ts'

/*
 * The state of one service over all its starts, as data: nothing here waits, reads a clock or touches a process. What is
 * wanted (`desired`) is kept apart from what was observed (the rest). Events change what was observed
 * (apply-event.ts); the rule of the current phase decides what follows from both (phase-rules.ts). Each start is a
 * generation with a number, so that an event about an earlier one is never taken for this one's.
 */

export type Phase =
  /** For its dependencies. */
  | { readonly name: 'waiting'; readonly isReported: boolean }
  /** Its process is being created. */
  | { readonly name: 'launching'; readonly isAborted: boolean }
  /** Its process runs, and its probe has not succeeded yet; or it is a oneshot at work. */
  | { readonly name: 'starting'; readonly readyBy: number | undefined }
  | { readonly name: 'up' }
  /** Its processes were told to stop. With `restartDelayMs` it starts again after that time. */
  | {
      readonly name: 'stopping'
      readonly step: 'signaled' | 'resending' | 'resent' | 'killed'
      readonly signaledAt: number
      readonly dueAt: number
      readonly restartDelayMs: number | undefined
      readonly killedAfterMs: number | undefined
    }
  /** Until its next start. */
  | { readonly name: 'backoff'; readonly dueAt: number }
  | { readonly name: 'finished'; readonly result: 'completed' | 'exited' | 'stopped' | 'killed' }
  | { readonly name: 'finished'; readonly result: 'failed'; readonly error: Error }

export type PhaseName = Phase['name']
export type PhaseOf<Name extends PhaseName> = Extract<Phase, { name: Name }>

export interface ServiceState {
  /** `revision` counts the requested restarts; `reason` is that of the latest. */
  readonly desired: { readonly isUp: boolean; readonly revision: number; readonly reason?: string | undefined }
  readonly phase: Phase
  /** When the phase began. */
  readonly since: number
  /** How many times it was launched. */
  readonly generation: number
  /** The desired revision at the latest launch. */
  readonly revision: number
  /** Whether processes of the latest generation may be running. */
  readonly hasGroup: boolean
  readonly launchedAt: number
  readonly reached: readonly Milestone[]
  readonly wasUp: boolean
  /** In a row. */
  readonly failures: number
  /** When the first of them happened. */
  readonly failingSince: number
}

export type ServiceEvent =
  | { readonly kind: 'launched' }
  /** Without an error it was aborted. */
  | { readonly kind: 'launch_failed'; readonly error?: Error }
  | { readonly kind: 'probe_succeeded' }
  /** The first process has exited, and its output has been passed on. */
  | { readonly kind: 'exited'; readonly exit: Exit }
  /** No process of the group is left. */
  | { readonly kind: 'group_emptied' }

export type ServiceAction =
  | { readonly do: 'launch' | 'abort' | 'probe' | 'await_empty_group' }
  | { readonly do: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly do: 'report'; readonly change: ServiceChange }

export interface Transition {
  readonly state: ServiceState
  readonly actions: readonly ServiceAction[]
}

/** What a rule may depend on besides the state. */
export interface RuleContext {
  readonly service: PlannedService
  readonly now: number
  /** All its dependencies have reached what it waits for. */
  readonly mayStart: boolean
  /** None of its dependents is left. */
  readonly mayStop: boolean
  readonly isForced: boolean
}

export function initialState(now: number): ServiceState {
  return {
    desired: { isUp: true, revision: 1 },
    phase: { name: 'waiting', isReported: false },
    since: now,
    generation: 0,
    revision: 0,
    hasGroup: false,
    launchedAt: now,
    reached: [],
    wasUp: false,
    failures: 0,
    failingSince: now,
  }
}

/** Whether nothing of it is left. */
export function isGone({ phase, hasGroup }: ServiceState): boolean {
  return phase.name === 'finished' && !hasGroup
}

/** Whether a restart was requested that has not happened. */
export function needsRestart({ revision, desired }: ServiceState): boolean {
  return revision < desired.revision
}

/** Whether a failure is only reported: after a requested restart somebody is working on it and will restart it again. */
export function isFailureTolerated({ revision }: ServiceState): boolean {
  return revision > 1
}

/** When the rule of its phase has something to do although nothing has happened. */
export function dueAt({ phase }: ServiceState): number | undefined {
  if (phase.name === 'stopping' || phase.name === 'backoff') return phase.dueAt
  return phase.name === 'starting' ? phase.readyBy : undefined
}
