import { resolve } from 'node:path'
import type { Config, Ready, Service } from '../config/config.ts'
import { parseDuration } from '../config/duration.ts'
import { dependencyOrder } from './dependency-order.ts'
import type { Dependency, Milestone, PlannedService, Probe } from './planned-service.ts'
import { PortSharedError, UnknownServiceError } from './service-errors.ts'

interface Asked {
  readonly config: Config
  /** The project. */
  readonly directory: string
  /** How a worker is run. */
  readonly worker: {
    readonly command: readonly string[]
    /** Whose change it has to be started again for: the sources of plugins under work. */
    readonly watch?: readonly string[]
    /** Whether its lines are to be read as events: what they say is shown in words, and its task is known from them. */
    readonly writesEvents?: boolean
  }
  /** The services that were asked for; all of them where it is empty. */
  readonly names: readonly string[]
}

/**
 * The services to run in development, those that others depend on first: the ones of the configuration and the worker,
 * or those that were asked for with all that they depend on.
 *
 * @throws UnknownServiceError when one that was asked for does not exist in development
 */
export function planServices({ config, directory, worker, names }: Asked): PlannedService[] {
  const services = new Map([
    ...Object.entries(config.services ?? {}).filter(([, { only }]) => only !== 'server'),
    ['worker', workerService(config, worker)] as const,
  ])
  for (const name of names) if (!services.has(name)) throw new UnknownServiceError(name, [...services.keys()])

  const wanted = names.length === 0 ? [...services.keys()] : names
  const edges = new Map([...services].map(([name, service]) => [name, dependencies(service, services)]))
  const order = dependencyOrder(wanted, (name) => (edges.get(name) ?? []).map((dependency) => dependency.name))
  const planned = order.flatMap((name) =>
    instances(name, services.get(name)!, directory).map((instance) => ({
      ...instance,
      yieldsWhenAskedTwice: name === 'worker',
      writesEvents: name === 'worker' && worker.writesEvents === true,
      dependsOn: edges.get(name)!.flatMap((dependency) =>
        instanceNames(dependency.name, services.get(dependency.name)!).map((each) => ({
          ...dependency,
          name: each,
        })),
      ),
    })),
  )
  requireOwnPorts(planned)
  return planned
}

/** @throws PortSharedError */
function requireOwnPorts(planned: readonly PlannedService[]): void {
  for (const [port, sharing] of Map.groupBy(planned, (service) => service.port)) {
    if (port !== undefined && sharing.length > 1)
      throw new PortSharedError(
        port,
        sharing.map(({ name }) => name),
      )
  }
}

/** Time for a worker to write down what became of its task, once its grace period has ended. */
const settlingMs = 15_000

function workerService({ worker = {} }: Config, { command, watch = [], writesEvents }: Asked['worker']): Service {
  const grace = parseDuration(worker.gracePeriod ?? '10m', 'worker.gracePeriod')
  return {
    command,
    watch,
    instances: worker.instances ?? 1,
    stopTimeout: `${grace + settlingMs}ms`,
    envFile: worker.envFile ?? [],
    env: { ...worker.env, ...(writesEvents && { OPS_LOG_FORMAT: 'json' }) },
  }
}

/** What a service waits for, of those that there are. */
export function dependencies(
  { dependsOn = [] }: Pick<Service, 'dependsOn'>,
  services: ReadonlyMap<string, Service>,
): Dependency[] {
  const entries = isList(dependsOn)
    ? dependsOn.map((name) => [name, usualMilestone(services.get(name))] as const)
    : Object.entries(dependsOn)
  return entries
    .filter(([name]) => services.has(name))
    .map(([name, until]) => ({ name, until: until === 'ready' ? usualReady(services.get(name)!) : until }))
}

/** A oneshot is ready for others when it has done what it is for. */
function usualReady({ oneshot }: Service): Milestone {
  return oneshot ? 'completed' : 'ready'
}

/** A list of names waits for as much as each service can tell of itself. */
function usualMilestone(service: Service | undefined): Milestone {
  if (service?.oneshot) return 'completed'
  return service?.ready === undefined ? 'started' : 'ready'
}

function instanceNames(name: string, { instances: count = 1 }: Service): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}.${index + 1}`)
}

function instances(name: string, service: Service, directory: string) {
  const cwd = resolve(directory, service.cwd ?? '.')
  const { envFile = [], stopTimeout = '10s' } = service
  return instanceNames(name, service).map((instance, index) => {
    // As foreman does: each instance has a port of its own, counted from the first one's.
    const port = service.port === undefined ? undefined : service.port + index
    return {
      name: instance,
      command: service.command,
      cwd,
      env: service.env ?? {},
      envFiles: [envFile].flat().map((file) => resolve(directory, file)),
      port,
      probe: service.ready === undefined ? undefined : probe(service.ready, port, `services.${name}.ready.timeout`),
      oneshot: service.oneshot ?? false,
      // What is done once is done again by whoever wants it, not by itself.
      restart: service.restart ?? (service.oneshot ? 'never' : 'on-failure'),
      stopSignal: service.stopSignal ?? 'SIGTERM',
      stopTimeoutMs: parseDuration(stopTimeout, `services.${name}.stopTimeout`),
      watch: (service.watch ?? []).map((path) => resolve(directory, path)),
    } satisfies Partial<PlannedService>
  })
}

function probe(ready: Ready, port: number | undefined, subject: string): Probe {
  const timeoutMs = parseDuration(ready.timeout ?? '30s', subject)
  if (ready.http !== undefined) {
    return { kind: 'http', url: new URL(ready.http, `http://localhost:${port}`).href, timeoutMs }
  }
  if (ready.port !== undefined) return { kind: 'port', port: ready.port === true ? port! : ready.port, timeoutMs }
  if (ready.log !== undefined) return { kind: 'log', pattern: new RegExp(ready.log), timeoutMs }
  return { kind: 'command', command: ready.command!, timeoutMs }
}

function isList(value: NonNullable<Service['dependsOn']>): value is readonly string[] {
  return Array.isArray(value)
}
