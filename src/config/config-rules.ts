import { type InputProblem, nearest } from '../errors.ts'
import type { Config, Ready, Service } from './config.ts'

/** By name; undefined where the shape is wrong, so that others may still depend on the name. */
type Services = Readonly<Record<string, Service | undefined>>

/** Checks the keys of a configuration against each other; each has the right shape already. */
export function ruleProblems({ services = {}, worker = {} }: Config): InputProblem[] {
  return [
    ...credentialProblems('worker.credentials', worker),
    ...environmentProblems('worker.env', worker),
    ...Object.keys(services).flatMap(nameProblems),
    ...wellShaped(services).flatMap(([name, service]) => [
      ...dependencyProblems(name, service, services),
      ...readyProblems(`services.${name}.ready`, service),
      ...oneSidedProblems(`services.${name}`, service),
      ...environmentProblems(`services.${name}.env`, service),
      ...credentialProblems(`services.${name}.credentials`, service),
    ]),
    ...cycleProblems(services),
  ]
}

function wellShaped(services: Services): [string, Service][] {
  return Object.entries(services).flatMap(([name, service]) => (service === undefined ? [] : [[name, service]]))
}

function nameProblems(name: string): InputProblem[] {
  const path = `services.${name}`
  if (name === 'worker') return [{ where: path, message: 'the name "worker" is reserved for the worker of ops' }]
  if (name === 'migrate')
    return [{ where: path, message: 'the name "migrate" is reserved for the migration on a server' }]
  if (/^[a-z][a-z0-9-]*$/.test(name)) return []
  return [{ where: path, message: `expected a name of a-z, 0-9 and "-" that starts with a letter, got "${name}"` }]
}

/** systemd silently ignores a variable with another name. */
function environmentProblems(path: string, { env = {} }: Pick<Service, 'env'>): InputProblem[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const at = `${path}.${name}`
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return [{ where: at, message: 'expected a name of letters, digits and "_" that does not start with a digit' }]
    }
    return value.includes('\0') ? [{ where: at, message: 'a value cannot contain a NUL character' }] : []
  })
}

function credentialProblems(path: string, { credentials = {} }: Pick<Service, 'credentials'>): InputProblem[] {
  return Object.entries(credentials).flatMap(([name, file]) => {
    const at = `${path}.${name}`
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('.')) {
      return [{ where: at, message: 'expected a name of letters, digits, "_", "-" and "."' }]
    }
    return file.startsWith('/') ? [] : [{ where: at, message: `expected an absolute path, got "${file}"` }]
  })
}

function dependencyProblems(name: string, service: Service, services: Services): InputProblem[] {
  const path = `services.${name}.dependsOn`
  return dependencies(service).flatMap(({ wanted, until }) => {
    if (!Object.hasOwn(services, wanted)) {
      const meant = nearest(wanted, Object.keys(services))
      const advice = meant === undefined ? '' : `, did you mean "${meant}"?`
      return [{ where: path, message: `unknown service "${wanted}"${advice}` }]
    }
    const dependency = services[wanted]
    if (dependency === undefined) return []
    if (dependency.only !== undefined && dependency.only !== service.only) {
      return [{ where: path, message: `"${wanted}" runs ${sideOf(dependency)}, but "${name}" runs ${sideOf(service)}` }]
    }
    if (until === 'completed' && !dependency.oneshot) {
      return [{ where: `${path}.${wanted}`, message: 'only a service with "oneshot: true" can be completed' }]
    }
    return []
  })
}

function dependencies({ dependsOn = [] }: Service): { wanted: string; until?: string }[] {
  if (Array.isArray(dependsOn)) return dependsOn.map((wanted: string) => ({ wanted }))
  return Object.entries(dependsOn).map(([wanted, until]) => ({ wanted, until }))
}

function sideOf({ only }: Service): string {
  if (only === undefined) return 'in development and on the server'
  return only === 'server' ? 'on the server only' : 'in development only'
}

function readyProblems(path: string, { ready, port, oneshot }: Service): InputProblem[] {
  if (ready === undefined) return []
  if (oneshot)
    return [{ where: path, message: 'a oneshot service has no readiness check: it is done when it has exited' }]

  const probes = (['http', 'port', 'log', 'command'] satisfies (keyof Ready)[]).filter(
    (key) => ready[key] !== undefined,
  )
  if (probes.length !== 1) {
    const got = probes.length === 0 ? 'none' : probes.map((key) => `"${key}"`).join(' and ')
    return [{ where: path, message: `expected exactly one of "http", "port", "log" and "command", got ${got}` }]
  }
  if (ready.http !== undefined) return httpProblems(`${path}.http`, ready.http, port)
  if (ready.port === true && port === undefined) {
    return [{ where: `${path}.port`, message: `true refers to the "port" of the service, which is not set` }]
  }
  return []
}

function httpProblems(path: string, http: string, port: number | undefined): InputProblem[] {
  if (/^https?:\/\//.test(http)) {
    return URL.canParse(http) ? [] : [{ where: path, message: `expected a valid URL, got "${http}"` }]
  }
  if (!http.startsWith('/')) {
    return [{ where: path, message: `expected a path that starts with "/" or a whole URL, got "${http}"` }]
  }
  return port === undefined
    ? [{ where: path, message: `a path needs the "port" of the service: set it, or use a whole URL` }]
    : []
}

/** Keys that have no effect where the service runs. */
function oneSidedProblems(
  path: string,
  { only, watch, allow, credentials, oneshot, restart }: Service,
): InputProblem[] {
  const unused = (key: string, side: string) => ({
    where: `${path}.${key}`,
    message: `has an effect ${side} only, where this service does not run`,
  })
  return [
    ...(only === 'server' && watch ? [unused('watch', 'in development')] : []),
    ...(only === 'development' && allow ? [unused('allow', 'on the server')] : []),
    ...(only === 'development' && credentials ? [unused('credentials', 'on the server')] : []),
    ...(oneshot && restart === 'always'
      ? [{ where: `${path}.restart`, message: 'a oneshot service is done when it has exited; use "on-failure"' }]
      : []),
  ]
}

function cycleProblems(services: Services): InputProblem[] {
  const edges = wellShaped(services).map(
    ([name, service]) => [name, dependencies(service).map(({ wanted }) => wanted)] as const,
  )
  const cycle = findCycle(new Map(edges))
  if (cycle === undefined) return []
  return [{ where: `services.${cycle[0]}.dependsOn`, message: `dependency cycle: ${cycle.join(' → ')}` }]
}

/** The first cycle, with its start repeated at its end (`a b a`). Edges to unknown names are ignored. */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const finished = new Set<string>()

  function visit(name: string, path: readonly string[]): readonly string[] | undefined {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (finished.has(name)) return undefined
    for (const next of edges.get(name) ?? []) {
      const cycle = visit(next, [...path, name])
      if (cycle !== undefined) return cycle
    }
    finished.add(name)
    return undefined
  }

  for (const name of edges.keys()) {
    const cycle = visit(name, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
