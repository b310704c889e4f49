import { nearest } from '../errors.ts'
import type { Config, Ready, Service } from './config.ts'
import { findCycle } from './dependency-cycle.ts'

export interface Problem {
  readonly path: string
  readonly message: string
}

/** By name. A service whose shape is wrong stands as undefined, so that others may still depend on its name. */
type Services = Readonly<Record<string, Service | undefined>>

/** What the keys of a configuration must be to each other; what is there has its shape already. */
export function ruleProblems({ services = {}, worker = {} }: Config): Problem[] {
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

function nameProblems(name: string): Problem[] {
  const path = `services.${name}`
  if (name === 'worker') return [{ path, message: 'the name "worker" is taken by the worker of ops, use another' }]
  if (name === 'migrate') return [{ path, message: 'the name "migrate" is taken by the migration on the server' }]
  if (/^[a-z][a-z0-9-]*$/.test(name)) return []
  return [{ path, message: `expected a name of a-z, 0-9 and "-" that starts with a letter, got "${name}"` }]
}

/** systemd passes over a variable with another name, without a word. */
function environmentProblems(path: string, { env = {} }: Pick<Service, 'env'>): Problem[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const at = `${path}.${name}`
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return [{ path: at, message: 'expected a name of letters, digits and "_" that starts with no digit' }]
    }
    return value.includes('\0') ? [{ path: at, message: 'no program can be given a value with a NUL in it' }] : []
  })
}

function credentialProblems(path: string, { credentials = {} }: Pick<Service, 'credentials'>): Problem[] {
  return Object.entries(credentials).flatMap(([name, file]) => {
    const at = `${path}.${name}`
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('.')) {
      return [{ path: at, message: 'expected a name of letters, digits, "_", "-" and "."' }]
    }
    return file.startsWith('/') ? [] : [{ path: at, message: `expected an absolute path, got "${file}"` }]
  })
}

function dependencyProblems(name: string, service: Service, services: Services): Problem[] {
  const path = `services.${name}.dependsOn`
  return dependencies(service).flatMap(({ wanted, until }) => {
    if (!Object.hasOwn(services, wanted)) {
      const meant = nearest(wanted, Object.keys(services))
      const advice = meant === undefined ? '' : `, did you mean "${meant}"?`
      return [{ path, message: `no service is named "${wanted}"${advice}` }]
    }
    const dependency = services[wanted]
    if (dependency === undefined) return []
    if (dependency.only !== undefined && dependency.only !== service.only) {
      return [{ path, message: `"${wanted}" runs ${where(dependency)}, but "${name}" runs ${where(service)}` }]
    }
    if (until === 'completed' && !dependency.oneshot) {
      return [{ path: `${path}.${wanted}`, message: 'only a service with "oneshot: true" is ever completed' }]
    }
    return []
  })
}

function dependencies({ dependsOn = [] }: Service): { wanted: string; until?: string }[] {
  if (Array.isArray(dependsOn)) return dependsOn.map((wanted: string) => ({ wanted }))
  return Object.entries(dependsOn).map(([wanted, until]) => ({ wanted, until }))
}

function where({ only }: Service): string {
  if (only === undefined) return 'in development and on the server'
  return only === 'server' ? 'on the server only' : 'in development only'
}

function readyProblems(path: string, { ready, port, oneshot }: Service): Problem[] {
  if (ready === undefined) return []
  if (oneshot) return [{ path, message: 'a oneshot service is done when it has ended, it is never asked' }]

  const probes = (['http', 'port', 'log', 'command'] satisfies (keyof Ready)[]).filter(
    (key) => ready[key] !== undefined,
  )
  if (probes.length !== 1) {
    const got = probes.length === 0 ? 'none' : probes.map((key) => `"${key}"`).join(' and ')
    return [{ path, message: `expected exactly one of "http", "port", "log" and "command", got ${got}` }]
  }
  if (ready.http !== undefined) return httpProblems(`${path}.http`, ready.http, port)
  if (ready.port === true && port === undefined) {
    return [{ path: `${path}.port`, message: `true means the service's own "port", and it has none` }]
  }
  return []
}

function httpProblems(path: string, http: string, port: number | undefined): Problem[] {
  if (/^https?:\/\//.test(http)) {
    return URL.canParse(http) ? [] : [{ path, message: `expected a valid URL, got "${http}"` }]
  }
  if (!http.startsWith('/')) {
    return [{ path, message: `expected a path that starts with "/" or a whole URL, got "${http}"` }]
  }
  return port === undefined
    ? [{ path, message: `a path needs the service's "port": set it, or write a whole URL` }]
    : []
}

/** What the only side that a service runs on has no use for, and what one of the two cannot do. */
function oneSidedProblems(path: string, { only, watch, allow, credentials, oneshot, restart }: Service): Problem[] {
  const unused = (key: string, side: string) => ({
    path: `${path}.${key}`,
    message: `it means something ${side} only, where this service does not run`,
  })
  return [
    ...(only === 'server' && watch ? [unused('watch', 'in development')] : []),
    ...(only === 'development' && allow ? [unused('allow', 'on the server')] : []),
    ...(only === 'development' && credentials ? [unused('credentials', 'on the server')] : []),
    ...(oneshot && restart === 'always'
      ? [{ path: `${path}.restart`, message: 'a oneshot service is done when it has ended; use "on-failure"' }]
      : []),
  ]
}

function cycleProblems(services: Services): Problem[] {
  const edges = wellShaped(services).map(
    ([name, service]) => [name, dependencies(service).map(({ wanted }) => wanted)] as const,
  )
  const cycle = findCycle(new Map(edges))
  if (cycle === undefined) return []
  return [{ path: `services.${cycle[0]}.dependsOn`, message: `these wait for each other: ${cycle.join(' → ')}` }]
}
