import type { Allow, Config, Ready, Service } from '../config/config.ts'
import { dependencies } from '../development/plan-services.ts'
import type { Milestone } from '../development/planned-service.ts'

/** How the two sides on which a service runs honour one field of it. */
export interface Honoured {
  /** `ops start-services`. */
  readonly development: string
  /** The units of `ops install-systemd`. */
  readonly systemd: string
}

/** Every field of a service, and each of its values where they are honoured differently. */
export type ServiceField =
  | Exclude<keyof Service, 'dependsOn' | 'ready' | 'restart' | 'only' | 'allow'>
  | `dependsOn: ${Milestone}`
  | `ready.${keyof Ready}`
  | `restart: ${NonNullable<Service['restart']>}`
  | `only: ${NonNullable<Service['only']>}`
  | `allow.${keyof Allow}`

const asked = {
  development: 'asked until it answers',
  systemd: 'the same, by ops wait-ready (ExecStartPost=)',
}
const open = 'nothing is closed'

export const serviceParity: Readonly<Record<ServiceField, Honoured>> = {
  command: {
    development: 'a text by a shell, a list without one',
    systemd: 'the program by its absolute path; a shell only where the text needs one',
  },
  cwd: { development: 'relative to the project', systemd: 'the same (WorkingDirectory=)' },
  env: { development: 'over those of this shell', systemd: 'alone: a unit has no shell; see ops env check' },
  envFile: { development: 'read at each start', systemd: 'read by install-systemd, into /etc/ops/<name>' },
  port: {
    development: 'PORT; free before the start, or its holder is named',
    systemd: 'PORT; below 1024 with the one capability for it',
  },
  'dependsOn: started': {
    development: 'when the other has a process',
    systemd: 'the same; refused where the other has a ready or is oneshot, for systemd waits for those',
  },
  'dependsOn: ready': {
    development: 'when the other answers; if it does not, all is stopped',
    systemd: 'when the other answers; if it does not, the installation is taken back, and at a boot this one starts',
  },
  'dependsOn: completed': { development: 'when the other has ended well', systemd: 'the same (Requires=)' },
  'ready.http': asked,
  'ready.port': asked,
  'ready.log': { development: 'looked for in its output', systemd: 'looked for in its journal' },
  'ready.command': asked,
  'ready.timeout': { development: '30s unless given', systemd: 'the same (TimeoutStartSec=)' },
  'restart: always': {
    development: 'after 1s, 2s, … 30s; the tenth failure in a row, or exit 78, stops all',
    systemd: 'after 5s, for ever, save for exit 78; the default',
  },
  'restart: on-failure': {
    development: 'the same; the default, save for a oneshot',
    systemd: 'the same; of a oneshot refused where others wait for it',
  },
  'restart: never': { development: 'its failure stops all', systemd: 'it stays down' },
  stopSignal: {
    development: 'to all of its processes',
    systemd: 'to its first process, and behind a shell or npm to all',
  },
  stopTimeout: { development: '10s unless given, then SIGKILL', systemd: 'the same (TimeoutStopSec=)' },
  instances: { development: 'api.1, api.2, each with the next port', systemd: 'a unit for each, by the same names' },
  watch: { development: 'a change starts it again', systemd: 'not meant for it: a release does' },
  oneshot: {
    development: 'done when it has ended with 0',
    systemd: 'done until the target is started again, or it is reloaded',
  },
  'only: development': { development: 'runs', systemd: 'left out' },
  'only: server': { development: 'left out', systemd: 'runs' },
  'allow.writePaths': { development: open, systemd: 'ReadWritePaths=; in a home BindPaths=' },
  'allow.user': { development: open, systemd: 'User=' },
  'allow.capabilities': { development: open, systemd: 'CapabilityBoundingSet=, AmbientCapabilities=' },
  credentials: {
    development: 'not meant for it: the files are those of a server',
    systemd: 'LoadCredential=, in $CREDENTIALS_DIRECTORY',
  },
}

export interface ComparedField extends Honoured {
  readonly field: ServiceField
  /** The services of the configuration that have it. */
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
