import type { Ready, Service } from '../config/config.ts'

/** What a dependent waits for. */
export type Milestone = 'started' | 'ready' | 'completed'

export interface Dependency {
  /** The name of a planned service. */
  readonly name: string
  readonly until: Milestone
}

/** One instance of a service with every default filled in, durations in milliseconds and absolute paths. */
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
  /** A second stop signal makes it end its own children, as a worker does; it is killed only after that. */
  readonly stopsOnSecondSignal: boolean
  /** Absolute paths and globs; a change of one restarts the service. */
  readonly watch: readonly string[]
  /** It writes JSON lines, events with a `message` for people; see output-lines.ts. */
  readonly writesEvents: boolean
}

export type Probe = { readonly timeoutMs: number } & (
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'log'; readonly pattern: RegExp }
  | { readonly kind: 'command'; readonly command: NonNullable<Ready['command']> }
)

/** What a probe waits for: `http://localhost:3000/health`, `port 3000`. */
export function formatProbe(probe: Probe): string {
  switch (probe.kind) {
    case 'http':
      return probe.url
    case 'port':
      return `port ${probe.port}`
    case 'log':
      return `output matching /${probe.pattern.source}/`
    case 'command':
      return typeof probe.command === 'string' ? probe.command : probe.command.join(' ')
  }
}

/** The service of an instance, as the configuration names it: `api` of `api.2`. */
export function serviceOf(instance: string): string {
  return instance.replace(/\.\d+$/, '')
}

/** Whether a name means an instance: it is the instance's own, or its service's. */
export function isInstanceOf(instance: string, name: string): boolean {
  return instance === name || serviceOf(instance) === name
}

/** By each service, those that depend on it, which stop first. */
export function dependentsOf(
  services: readonly { readonly name: string; readonly dependsOn: readonly { readonly name: string }[] }[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    services.map(({ name }) => [
      name,
      services
        .filter(({ dependsOn }) => dependsOn.some((dependency) => dependency.name === name))
        .map((dependent) => dependent.name),
    ]),
  )
}
