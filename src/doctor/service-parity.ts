import type { Allow, Config, Ready, Service } from '../config/config.ts'
import { developmentBackoff, serverRestartDelay, serviceDefaults } from '../config/service-defaults.ts'
import { dependencies } from '../development/plan-services.ts'
import type { Milestone } from '../development/planned-service.ts'

/** How a field of a service is supported in development and on a server. */
export interface FieldSupport {
  /** `ops start-services`. */
  readonly development: string
  /** The units of `ops install-systemd`. */
  readonly systemd: string
}

/** Every field of a service, and each of its values where their support differs. */
export type ServiceField =
  | Exclude<keyof Service, 'dependsOn' | 'ready' | 'restart' | 'only' | 'allow'>
  | `dependsOn: ${Milestone}`
  | `ready.${keyof Ready}`
  | `restart: ${NonNullable<Service['restart']>}`
  | `only: ${NonNullable<Service['only']>}`
  | `allow.${keyof Allow}`

const probed = {
  development: 'polled until it answers',
  systemd: 'the same, by ops wait-ready (ExecStartPost=)',
}
const unrestricted = 'not restricted'

const { firstDelay, longestDelay, mostFailures } = developmentBackoff

export const serviceParity: Readonly<Record<ServiceField, FieldSupport>> = {
  command: {
    development: 'a string runs in a shell, a list without one',
    systemd: 'the absolute path of the program; a shell only where a string needs one',
  },
  cwd: { development: 'relative to the project', systemd: 'the same (WorkingDirectory=)' },
  env: { development: "on top of this shell's variables", systemd: 'without a shell; see ops env check' },
  envFile: { development: 'read at each start', systemd: 'read by install-systemd, into /etc/ops/<name>' },
  port: {
    development: 'PORT; must be free at the start, else its holder is named',
    systemd: 'PORT; below 1024 with the capability for it',
  },
  'dependsOn: started': {
    development: 'starts once the other has a process',
    systemd: 'the same; refused if the other has a ready or is oneshot, since systemd waits for those',
  },
  'dependsOn: ready': {
    development: 'starts once the other answers; if it does not, everything stops',
    systemd:
      'starts once the other answers; if it does not, an installation is rolled back, and at boot this one starts',
  },
  'dependsOn: completed': { development: 'starts once the other has succeeded', systemd: 'the same (Requires=)' },
  'ready.http': probed,
  'ready.port': probed,
  'ready.log': { development: 'searched in its output', systemd: 'searched in its journal' },
  'ready.command': probed,
  'ready.timeout': {
    development: `${serviceDefaults.readyTimeout} by default`,
    systemd: 'the same (TimeoutStartSec=)',
  },
  'restart: always': {
    development: `after ${firstDelay}, doubled up to ${longestDelay}; ${mostFailures} failures in a row, or exit 78, stop everything`,
    systemd: `after ${serverRestartDelay}, without a limit, except for exit 78; the default`,
  },
  'restart: on-failure': {
    development: 'the same; the default, except for a oneshot',
    systemd: 'the same; refused for a oneshot that others wait for',
  },
  'restart: never': { development: 'its failure stops everything', systemd: 'it stays down' },
  stopSignal: {
    development: 'to all of its processes',
    systemd: 'to its main process, and to all of them behind a shell or npm',
  },
  stopTimeout: {
    development: `${serviceDefaults.stopTimeout} by default, then SIGKILL`,
    systemd: 'the same (TimeoutStopSec=)',
  },
  instances: { development: 'api.1, api.2, each with the next port', systemd: 'a unit for each, with the same names' },
  watch: { development: 'a change restarts it', systemd: 'not used: releases restart it' },
  oneshot: {
    development: 'completed when it exits 0',
    systemd: 'completed until the target is started again, or it is reloaded',
  },
  'only: development': { development: 'runs', systemd: 'left out' },
  'only: server': { development: 'left out', systemd: 'runs' },
  'allow.writePaths': { development: unrestricted, systemd: 'ReadWritePaths=; in a home BindPaths=' },
  'allow.user': { development: unrestricted, systemd: 'User=' },
  'allow.capabilities': { development: unrestricted, systemd: 'CapabilityBoundingSet=, AmbientCapabilities=' },
  credentials: {
    development: 'not used: the files are those of a server',
    systemd: 'LoadCredential=, in $CREDENTIALS_DIRECTORY',
  },
}

export interface ComparedField extends FieldSupport {
  readonly field: ServiceField
  /** The services that use it. */
  readonly services: readonly string[]
}

export function compareFields({ services = {} }: Config): ComparedField[] {
  const all = new Map(Object.entries(services))
  return (Object.keys(serviceParity) as ServiceField[]).map((field) => ({
    field,
    ...serviceParity[field],
    services: [...all].filter(([, service]) => hasField(service, field, all)).map(([name]) => name),
  }))
}

function hasField(service: Service, field: ServiceField, all: ReadonlyMap<string, Service>): boolean {
  const [path, wanted] = field.split(': ')
  if (path === 'dependsOn') return dependencies(service, all).some(({ until }) => until === wanted)
  const value = path!.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], service)
  return wanted === undefined ? value !== undefined : value === wanted
}
