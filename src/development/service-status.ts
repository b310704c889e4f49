import type { PlannedService } from './planned-service.ts'
import type { Life } from './service-life.ts'

/** What `ops status` says of a service. It travels as JSON. */
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
    | 'ended'
    | 'stopped'
    | 'killed'
    | 'failed'
  /** Of its first process, while one lives. */
  readonly pid: number | null
  readonly port: number | null
  /** When it came into this state. */
  readonly since: string
  readonly restarts: number
  /** Whether what depends on it may start; null where nothing asks it. */
  readonly ready: boolean | null
  /** What there is to say: what it waits for, why it failed. */
  readonly note: string | null
  /** What it is at, where it tells: a worker's task. */
  readonly task: { readonly name: string; readonly since: string } | null
}

interface Seen {
  /** As `performance.now()` counts. */
  readonly now: number
  readonly pid: number | undefined
  readonly task: { readonly name: string; readonly since: Date } | undefined
}

export function statusOf(service: PlannedService, life: Life, { now, pid, task }: Seen): ServiceStatus {
  return {
    name: service.name,
    state: stateOf(service, life),
    pid: pid ?? null,
    port: service.port ?? null,
    since: new Date(Date.now() - (now - life.since)).toISOString(),
    restarts: Math.max(0, life.incarnation - 1),
    ready: service.probe === undefined ? null : life.moment.phase === 'up',
    note: note(service, life, now) ?? null,
    task: task === undefined ? null : { name: task.name, since: task.since.toISOString() },
  }
}

function stateOf({ probe }: PlannedService, { moment, desired, edition }: Life): ServiceStatus['state'] {
  switch (moment.phase) {
    case 'waiting':
      return 'waiting'
    case 'launching':
    case 'starting':
      return 'starting'
    case 'up':
      return probe === undefined ? 'running' : 'ready'
    case 'stopping':
      return desired.isUp && (moment.pauseMs !== undefined || edition < desired.edition) ? 'restarting' : 'stopping'
    case 'pausing':
      return 'restarting'
    case 'over':
      return moment.how
  }
}

function note({ dependsOn }: PlannedService, { moment }: Life, now: number): string | undefined {
  if (moment.phase === 'waiting') return `for ${dependsOn.map(({ name }) => name).join(', ')}`
  if (moment.phase === 'pausing') return `in ${Math.ceil((moment.dueAt - now) / 1000)} s`
  return moment.phase === 'over' && moment.how === 'failed' ? (moment.error as Error).message : undefined
}
