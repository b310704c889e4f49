import type { Ready, Service } from '../config/config.ts'

/** What a dependent waits for. */
export type Milestone = 'started' | 'ready' | 'completed'

export interface Dependency {
  /** The name of a planned service. */
  readonly name: string
  readonly until: Milestone
}

/** One instance of a service as it is to run: every default filled in, durations in milliseconds, paths absolute. */
export interface PlannedService {
  /** `api`, or `api.1` and `api.2` where there are several instances. */
  readonly name: string
  readonly command: string | readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly envFiles: readonly string[]
  readonly port: number | undefined
  readonly dependsOn: readonly Dependency[]
  readonly probe: Probe | undefined
  readonly oneshot: boolean
  readonly restart: NonNullable<Service['restart']>
  readonly stopSignal: NonNullable<Service['stopSignal']>
  readonly stopTimeoutMs: number
  /** It ends its own children when it is asked twice, as a worker does, and is killed only after that. */
  readonly yieldsWhenAskedTwice: boolean
  /** Absolute paths and patterns of paths; a change of one restarts the service. */
  readonly watch: readonly string[]
  /** Its output is lines of JSON, events with a `message` for people; see event-lines.ts. */
  readonly writesEvents: boolean
}

/** The service of an instance, as the configuration names it: `api` of `api.2`. */
export function serviceOf(instance: string): string {
  return instance.replace(/\.\d+$/, '')
}

/** Whether an instance belongs to a service, or is the one that is named. */
export function isInstanceOf(instance: string, name: string): boolean {
  return instance === name || serviceOf(instance) === name
}

export type Probe = { readonly timeoutMs: number } & (
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'log'; readonly pattern: RegExp }
  | { readonly kind: 'command'; readonly command: NonNullable<Ready['command']> }
)

/** What is waited for, in words: `waiting for http://localhost:3000/health`. */
export function probeInWords(probe: Probe): string {
  switch (probe.kind) {
    case 'http':
      return probe.url
    case 'port':
      return `port ${probe.port}`
    case 'log':
      return `output that matches /${probe.pattern.source}/`
    case 'command':
      return typeof probe.command === 'string' ? probe.command : probe.command.join(' ')
  }
}
