import { formatDuration } from '../format.ts'
import type { PlannedService } from './planned-service.ts'
import { needsRestart, type ServiceState } from './service-state.ts'

/** A service in `ops status`. It travels as JSON. */
export interface ServiceStatus {
  readonly name: string
  readonly state:
    | 'waiting'
    | 'starting'
    | 'running'
    | 'ready'
    | 'restarting'
    | 'stopping'
    | 'completed'
    | 'exited'
    | 'stopped'
    | 'killed'
    | 'failed'
  /** Of its first process, while one runs. */
  readonly pid: number | null
  readonly port: number | null
  /** When it entered this state. */
  readonly since: string
  readonly restarts: number
  /** Null where it has no probe. */
  readonly ready: boolean | null
  /** What it waits for, or why it failed. */
  readonly note: string | null
  /** The running task of a worker. */
  readonly task: { readonly name: string; readonly since: string } | null
}

interface Observed {
  /** As `performance.now()` counts. */
  readonly now: number
  readonly pid: number | undefined
  readonly task: { readonly name: string; readonly since: Date } | undefined
}

export function statusOf(service: PlannedService, state: ServiceState, { now, pid, task }: Observed): ServiceStatus {
  return {
    name: service.name,
    state: stateName(service, state),
    pid: pid ?? null,
    port: service.port ?? null,
    since: new Date(Date.now() - (now - state.since)).toISOString(),
    restarts: Math.max(0, state.generation - 1),
    ready: service.probe === undefined ? null : state.phase.name === 'up',
    note: note(service, state, now) ?? null,
    task: task === undefined ? null : { name: task.name, since: task.since.toISOString() },
  }
}

function stateName({ probe }: PlannedService, state: ServiceState): ServiceStatus['state'] {
  const { phase, desired } = state
  switch (phase.name) {
    case 'waiting':
      return 'waiting'
    case 'launching':
    case 'starting':
      return 'starting'
    case 'up':
      return probe === undefined ? 'running' : 'ready'
    case 'stopping':
      return desired.isUp && (phase.restartDelayMs !== undefined || needsRestart(state)) ? 'restarting' : 'stopping'
    case 'backoff':
      return 'restarting'
    case 'finished':
      return phase.result
  }
}

function note({ dependsOn }: PlannedService, { phase }: ServiceState, now: number): string | undefined {
  if (phase.name === 'waiting') return `for ${dependsOn.map(({ name }) => name).join(', ')}`
  if (phase.name === 'backoff') return `in ${formatDuration(Math.max(0, phase.dueAt - now))}`
  return phase.name === 'finished' && phase.result === 'failed' ? phase.error.message : undefined
}
