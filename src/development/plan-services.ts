import { resolve } from 'node:path'
import type { Config, Ready, Service } from '../config/config.ts'
import { parseDuration } from '../config/duration.ts'
import { restartDefaults, serviceDefaults, workerDefaults } from '../config/service-defaults.ts'
import { exitStatus, OpsError, unknownName } from '../errors.ts'
import type { Dependency, Milestone, PlannedService, Probe } from './planned-service.ts'

interface PlanOptions {
  readonly config: Config
  /** The folder of the project. */
  readonly directory: string
  readonly worker: {
    readonly command: readonly string[]
    /** Paths whose change restarts it: the sources of linked plugins. */
    readonly watch?: readonly string[]
    /** Whether it writes events, from which its task is known; people see their messages. */
    readonly writesEvents?: boolean
  }
  /** The services to start; all when empty. */
  readonly names: readonly string[]
}

/**
 * The services to run in development, dependencies first: those of the configuration and the worker, or the named ones
 * with everything they depend on.
 *
 * @throws OpsError UNKNOWN_SERVICE, PORT_SHARED
 */
export function planServices({ config, directory, worker, names }: PlanOptions): PlannedService[] {
  const services = new Map([
    ...Object.entries(config.services ?? {}).filter(([, { only }]) => only !== 'server'),
    ['worker', workerService(config, worker)] as const,
  ])
  for (const name of names) if (!services.has(name)) throw unknownName('service', name, [...services.keys()])

  const roots = names.length === 0 ? [...services.keys()] : names
  const edges = new Map([...services].map(([name, service]) => [name, dependencies(service, services)]))
  const order = dependencyOrder(roots, (name) => (edges.get(name) ?? []).map((dependency) => dependency.name))
  const planned = order.flatMap((name) =>
    instances(name, services.get(name)!, directory).map((instance) => ({
      ...instance,
      stopsOnSecondSignal: name === 'worker',
      writesEvents: name === 'worker' && worker.writesEvents === true,
      dependsOn: edges.get(name)!.flatMap((dependency) =>
        instanceNames(dependency.name, services.get(dependency.name)!).map((each) => ({
          ...dependency,
          name: each,
        })),
      ),
    })),
  )
  checkPorts(planned)
  return planned
}

/** The named services and everything they depend on, dependencies first; otherwise in the given order. */
function dependencyOrder(names: readonly string[], dependenciesOf: (name: string) => readonly string[]): string[] {
  const ordered = new Set<string>()
  const visit = (name: string): void => {
    if (ordered.has(name)) return
    for (const dependency of dependenciesOf(name)) visit(dependency)
    ordered.add(name)
  }
  for (const name of names) visit(name)
  return [...ordered]
}

function checkPorts(planned: readonly PlannedService[]): void {
  for (const [port, services] of Map.groupBy(planned, (service) => service.port)) {
    if (port === undefined || services.length === 1) continue
    const names = services.map(({ name }) => `"${name}"`).join(' and ')
    throw new OpsError('PORT_SHARED', `Port ${port} is assigned to ${names}.`, {
      exit: exitStatus.configuration,
      suggestions: ['change one of the ports; instances of a service use consecutive ports, starting with its own'],
    })
  }
}

function workerService({ worker = {} }: Config, { command, watch = [], writesEvents }: PlanOptions['worker']): Service {
  const grace = parseDuration(worker.gracePeriod ?? workerDefaults.gracePeriod, 'worker.gracePeriod')
  const settleTimeout = parseDuration(workerDefaults.settleTimeout, 'settleTimeout')
  return {
    command,
    watch,
    instances: worker.instances ?? 1,
    stopTimeout: `${grace + settleTimeout}ms`,
    envFile: worker.envFile ?? [],
    env: { ...worker.env, ...(writesEvents && { OPS_LOG_FORMAT: 'json' }) },
  }
}

/** What a service waits for, among the given services. */
export function dependencies(
  { dependsOn = [] }: Pick<Service, 'dependsOn'>,
  services: ReadonlyMap<string, Service>,
): Dependency[] {
  const entries = isList(dependsOn)
    ? dependsOn.map((name) => [name, defaultMilestone(services.get(name))] as const)
    : Object.entries(dependsOn)
  return entries
    .filter(([name]) => services.has(name))
    .map(([name, until]) => ({
      name,
      until: until === 'ready' && services.get(name)!.oneshot ? ('completed' as const) : until,
    }))
}

/** A plain list of names waits for the most that each service declares. */
function defaultMilestone(service: Service | undefined): Milestone {
  if (service?.oneshot) return 'completed'
  return service?.ready === undefined ? 'started' : 'ready'
}

function instanceNames(name: string, { instances: count = 1 }: Service): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}.${index + 1}`)
}

function instances(name: string, service: Service, directory: string) {
  const cwd = resolve(directory, service.cwd ?? '.')
  const { envFile = [], stopTimeout = serviceDefaults.stopTimeout } = service
  return instanceNames(name, service).map((instance, index) => {
    // As in foreman: instances use consecutive ports, starting with the service's own.
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
      restart: service.restart ?? (service.oneshot ? restartDefaults.oneshot : restartDefaults.development),
      stopSignal: service.stopSignal ?? serviceDefaults.stopSignal,
      stopTimeoutMs: parseDuration(stopTimeout, `services.${name}.stopTimeout`),
      watch: (service.watch ?? []).map((path) => resolve(directory, path)),
    } satisfies Partial<PlannedService>
  })
}

function probe(ready: Ready, port: number | undefined, subject: string): Probe {
  const timeoutMs = parseDuration(ready.timeout ?? serviceDefaults.readyTimeout, subject)
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
