import { dependents } from './dependency-order.ts'
import { follow } from './follow-rule.ts'
import { hear } from './hear-event.ts'
import type { PlannedService } from './planned-service.ts'
import { dueAt, isForgiven, type Life, type LifeAction, type LifeEvent, newLife } from './service-life.ts'

/** All services of a run: what is wanted of them together, and each one's life. Values only; see service-life.ts. */
export interface Fleet {
  readonly services: ReadonlyMap<string, PlannedService>
  /** By each name, those that depend on it. */
  readonly dependents: ReadonlyMap<string, readonly string[]>
  readonly lives: ReadonlyMap<string, Life>
  readonly isStopping: boolean
  readonly isForced: boolean
  /** The first one for which everything is stopped. */
  readonly failure: { readonly error: unknown } | undefined
}

export type FleetEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'stop' }
  /** Nobody waits any longer. */
  | { readonly kind: 'force' }
  | { readonly kind: 'restart'; readonly name: string; readonly why?: string | undefined }
  | (LifeEvent & { readonly name: string; readonly incarnation: number })

export type FleetAction = LifeAction & { readonly name: string; readonly incarnation: number }

export interface Advance {
  readonly fleet: Fleet
  readonly actions: readonly FleetAction[]
}

export function newFleet(planned: readonly PlannedService[], now: number): Fleet {
  return {
    services: new Map(planned.map((service) => [service.name, service])),
    dependents: dependents(planned),
    lives: new Map(planned.map(({ name }) => [name, newLife(now)])),
    isStopping: false,
    isForced: false,
    failure: undefined,
  }
}

/** What an event makes of a fleet, and what is to be done about it. */
export function advance(before: Fleet, event: FleetEvent, now: number): Advance {
  const lives = new Map(before.lives)
  const actions: FleetAction[] = []
  let fleet: Fleet = { ...before, lives }

  const take = (name: string, step: { life: Life; actions: readonly LifeAction[] } | undefined): boolean => {
    if (step === undefined) return false
    lives.set(name, step.life)
    actions.push(...step.actions.map((action) => ({ ...action, name, incarnation: step.life.incarnation })))
    return true
  }
  const stop = (change: Partial<Fleet>) => {
    fleet = { ...fleet, isStopping: true, ...change }
    for (const [name, life] of lives) lives.set(name, { ...life, desired: { ...life.desired, isUp: false } })
  }

  if (event.kind === 'stop') stop({})
  else if (event.kind === 'force') stop({ isForced: true })
  else if (event.kind === 'restart') {
    const life = lives.get(event.name)
    if (life?.desired.isUp) {
      const { desired } = life
      lives.set(event.name, { ...life, desired: { ...desired, edition: desired.edition + 1, why: event.why } })
    }
  } else if (event.kind !== 'tick') {
    const life = lives.get(event.name)
    // News of an incarnation that is no more come too late.
    if (life?.incarnation === event.incarnation) {
      take(event.name, hear(life, event, { service: fleet.services.get(event.name)!, now }))
    }
  }

  for (let isSettled = false; !isSettled; ) {
    isSettled = true
    for (const [name, service] of fleet.services) {
      const circumstances = {
        service,
        now,
        mayStart: mayStart(fleet, service),
        mayStop: fleet.isForced || fleet.dependents.get(name)!.every((one) => isGone(lives.get(one)!)),
        isForced: fleet.isForced,
      }
      if (take(name, follow(lives.get(name)!, circumstances))) isSettled = false
    }
    if (!fleet.isStopping) {
      const failure = firstFailure(fleet)
      if (failure !== undefined || hasNothingToDo(fleet)) {
        stop({ failure })
        isSettled = false
      }
    }
  }
  return { fleet, actions }
}

/** Whether nothing of it is left. */
export function isFinished({ isStopping, lives }: Fleet): boolean {
  return isStopping && [...lives.values()].every(isGone)
}

/** When a `tick` has something to do. */
export function nextDueAt({ lives }: Fleet): number | undefined {
  const due = [...lives.values()].flatMap((life) => dueAt(life) ?? [])
  return due.length === 0 ? undefined : Math.min(...due)
}

/** Those in the way of a stop: each has processes, or is about to. */
export function leftToStop({ lives }: Fleet): string[] {
  return [...lives].filter(([, life]) => !isGone(life)).map(([name]) => name)
}

export function isGone({ moment, hasGroup }: Life): boolean {
  return moment.phase === 'over' && !hasGroup
}

function mayStart({ lives }: Fleet, { dependsOn }: PlannedService): boolean {
  return dependsOn.every(({ name, until }) => lives.get(name)!.reached.includes(until))
}

function firstFailure({ lives }: Fleet): Fleet['failure'] {
  for (const life of lives.values()) {
    const { moment } = life
    if (moment.phase === 'over' && moment.how === 'failed' && !isForgiven(life)) return { error: moment.error }
  }
  return undefined
}

/** Everything has ended by itself, and nothing is watched for a reason to start again. */
function hasNothingToDo({ lives, services }: Fleet): boolean {
  return [...lives].every(
    ([name, { moment }]) =>
      moment.phase === 'over' && moment.how !== 'failed' && services.get(name)!.watch.length === 0,
  )
}
