import { parse } from 'yaml'
import type { Ready, Service } from '../config/config.ts'
import { type ImportedServices, ServiceDraft } from './service-draft.ts'

type Text = string | number | boolean

/** What is read of a service of the Compose specification. */
interface ComposeService {
  readonly command?: string | readonly Text[] | null
  readonly build?: string | { readonly context?: string }
  readonly image?: string
  readonly environment?: readonly string[] | Readonly<Record<string, Text | null>>
  readonly env_file?: string | readonly (string | { readonly path: string })[]
  readonly ports?: readonly (Text | { readonly published?: Text; readonly target?: Text })[]
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition?: string }>>
  readonly healthcheck?: { readonly test?: string | readonly string[] }
  readonly restart?: string
  readonly stop_signal?: string
  readonly stop_grace_period?: string
  readonly scale?: number
  readonly deploy?: { readonly replicas?: number }
}

/** Imports the services of a Compose file that have a command; the command of the others is in their image. */
export function fromCompose(text: string): ImportedServices {
  const draft = new ServiceDraft()
  const { services = {} } = (parse(text, { merge: true }) ?? {}) as { services?: Record<string, ComposeService | null> }
  const entries = Object.entries(services).map(([name, service]) => [name, service ?? {}] as const)
  const hasCommand = ({ command }: ComposeService) => command !== undefined && command !== null && command.length > 0
  const imported = entries.filter(([, service]) => hasCommand(service))
  const completed = new Set(
    imported.flatMap(([, { depends_on: on = {} }]) =>
      isList(on) ? [] : Object.keys(on).filter((name) => on[name]?.condition === 'service_completed_successfully'),
    ),
  )

  const drafts = new Map(imported.map(([name, service]) => [name, serviceOf(service, completed.has(name))]))
  const names = new Map([...drafts].map(([name, service]) => [name, draft.add(name, service)] as const))
  const all = entries.map(([name]) => name)
  for (const [name, service] of imported) {
    const newName = names.get(name)!
    const dependsOn = dependencies(service, names)
    if (dependsOn !== undefined) draft.change(newName, { ...drafts.get(name)!, dependsOn })
    for (const loss of losses(service, all)) draft.note(`${newName}: ${loss}`)
  }
  for (const [name, service] of entries) {
    if (hasCommand(service)) continue
    const what = service.image ?? 'its image'
    draft.note(`skipped "${name}": it has no command, only ${what}; run it with "docker compose up ${name}"`)
  }
  return draft.finish()
}

function serviceOf(service: ComposeService, isOneshot: boolean): Service {
  const { command, build, env_file: envFile, stop_signal: stopSignal, stop_grace_period: grace } = service
  const port = portOf(service)
  const context = typeof build === 'string' ? build : build?.context
  const files = (typeof envFile === 'string' ? [envFile] : (envFile ?? [])).map((file) =>
    typeof file === 'string' ? file : file.path,
  )
  const instances = service.scale ?? service.deploy?.replicas
  return {
    command: typeof command === 'string' ? unescaped(command) : command!.map((part) => unescaped(String(part))),
    ...(context !== undefined && context !== '.' && context !== './' && { cwd: context }),
    env: environment(service),
    ...(files.length > 0 && { envFile: files.length === 1 ? files[0]! : files }),
    ...(port !== undefined && { port }),
    ...(!isOneshot && { ready: readiness(service) }),
    ...(isOneshot && { oneshot: true }),
    ...restartOf(service, isOneshot),
    ...(isStopSignal(stopSignal) && { stopSignal }),
    ...(grace !== undefined && { stopTimeout: `${seconds(grace)}s` }),
    ...(instances !== undefined && instances > 1 && { instances }),
  } as Service
}

/** Compose writes a dollar as two. */
function unescaped(text: string): string {
  return text.replaceAll('$$', '$')
}

function environment({ environment: given = {} }: ComposeService): Record<string, string> {
  const entries: [string, Text | null | undefined][] = isList(given)
    ? given.map((entry) => {
        const at = entry.indexOf('=')
        return at === -1 ? [entry, undefined] : [entry.slice(0, at), entry.slice(at + 1)]
      })
    : Object.entries(given)
  // A name alone passes on a variable of the terminal, as ops does with all of them.
  return Object.fromEntries(
    entries.flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, unescaped(String(value))]],
    ),
  )
}

function portOf({ ports = [] }: ComposeService): number | undefined {
  const [first] = ports
  if (first === undefined) return undefined
  const text =
    typeof first === 'object' ? (first.published ?? first.target) : String(first).split('/')[0]!.split(':').at(-2)
  const port = Number(text ?? String(first).split('/')[0])
  return Number.isInteger(port) && port > 0 ? port : undefined
}

function readiness({ healthcheck }: ComposeService): Ready | undefined {
  const test = healthcheck?.test
  if (test === undefined || test.length === 0) return undefined
  if (typeof test === 'string') return { command: unescaped(test) }
  const [kind, ...command] = test.map(unescaped)
  if (kind === 'CMD-SHELL') return { command: command.join(' ') }
  return kind === 'CMD' ? { command } : undefined
}

function restartOf({ restart }: ComposeService, isOneshot: boolean): Pick<Service, 'restart'> {
  if (restart === 'no') return { restart: 'never' }
  return (restart === 'always' || restart === 'unless-stopped') && !isOneshot ? { restart: 'always' } : {}
}

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

function isStopSignal(signal: string | undefined): boolean {
  return signal !== undefined && stopSignals.includes(signal)
}

/** `1m30s` */
function seconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 0.000_001 }
  const parts = [...duration.matchAll(/([\d.]+)(h|ms|us|m|s)/g)]
  return Math.max(1, Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0)))
}

function dependencies(
  { depends_on: on = [] }: ComposeService,
  names: ReadonlyMap<string, string>,
): Service['dependsOn'] | undefined {
  const given = isList(on) ? on : Object.keys(on)
  const wanted = given.flatMap((name) => names.get(name) ?? [])
  return wanted.length === 0 ? undefined : wanted
}

function losses(service: ComposeService, others: readonly string[]): string[] {
  const { stop_signal: stopSignal, ports = [] } = service
  const hosts = Object.entries(environment(service)).flatMap(([variable, value]) =>
    others
      .filter((host) => new RegExp(`(//|@|^)${host}(:\\d|/|$)`).test(value))
      .map((host) => `${variable} contains the host "${host}", which exists only in Docker`),
  )
  return [
    ...hosts,
    ...(stopSignal !== undefined && !isStopSignal(stopSignal)
      ? [`the stop signal ${stopSignal} is not supported`]
      : []),
    ...(ports.length > 1 ? ['only its first port is imported, as PORT'] : []),
  ]
}

function isList<Item>(value: readonly Item[] | object): value is readonly Item[] {
  return Array.isArray(value)
}
