import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import type { Allow } from '../config/config.ts'
import { serverRestartDelay } from '../config/service-defaults.ts'
import { assignment, command, type Directive, milliseconds, path, text, words } from '../systemd/directive.ts'
import { formatEnvironmentFile } from '../systemd/environment-file.ts'
import type { Places } from '../systemd/places.ts'
import { renderTemplate, type UnitValues, withoutComments } from '../systemd/unit-template.ts'
import { hardening } from './hardening.ts'
import type { ServerService, ServerSetup } from './server-setup.ts'
import { waitReadyCommand } from './wait-ready.ts'

export type Role = 'migrate' | 'oneshot' | 'service' | 'worker' | 'target'

/** A unit as the server should have it. */
export interface Unit {
  /** The name of the file. */
  readonly file: string
  readonly text: string
  readonly role: Role
  /** The names that systemd starts: the unit, or each instance of a template. */
  readonly instances: readonly string[]
  /** `OPS_UNIT_HASH` of a process that was started with these settings; undefined for the target. */
  readonly hash: string | undefined
  readonly environmentFile: { readonly path: string; readonly text: string } | undefined
  /** The user that the unit runs as, whose group can read the environment file. */
  readonly user: string | undefined
}

/** The units of a project in start order, the target last. */
export function renderUnits(setup: ServerSetup): Unit[] {
  const started = [migration(setup), ...setup.services.map((service) => serviceUnit(service, setup)), worker(setup)]
  return [...started, target(setup, started)]
}

export function unitName({ project }: Pick<ServerSetup, 'project'>, service: string): string {
  return `${project}-${service}.service`
}

function migration(setup: ServerSetup): Unit {
  const { worker } = setup
  return unit('migrate.service', unitName(setup, 'migrate'), 'migrate', setup, worker, worker.environment, {
    description: text(`${setup.project}: migrations`),
    command: opsCommand(setup, 'migrate'),
    directory: path(setup.directory),
    wants: someWords(network(setup)),
    after: someWords(network(setup)),
    settings: text(setup.worker.settings),
    identifier: words(`${setup.project}-migrate`),
  })
}

function worker(setup: ServerSetup): Unit {
  const { project, worker } = setup
  const dependencies = [...network(setup), unitName(setup, 'migrate')]
  const file = `${project}-worker@.service`
  return unit('worker@.service', file, 'worker', setup, worker, worker.environment, {
    description: text(`${project}: worker`),
    command: opsCommand(setup, 'worker'),
    directory: path(setup.directory),
    wants: someWords(dependencies),
    after: someWords(dependencies),
    settings: text(worker.settings),
    restartDelay: words(serverRestartDelay),
    identifier: words(`${project}-worker`),
  })
}

function serviceUnit(service: ServerService, setup: ServerSetup): Unit {
  const { planned, argv, restart, isWrapped } = service
  const { name, oneshot, dependsOn } = planned
  const dependencies = [...network(setup), unitName(setup, 'migrate')]
  const unitOf = (dependency: { name: string }) =>
    dependency.name === 'worker' ? workerInstances(setup) : [unitName(setup, dependency.name)]
  const completed = dependsOn.filter(({ until }) => until === 'completed').flatMap(unitOf)
  const others = dependsOn.filter(({ until }) => until !== 'completed').flatMap(unitOf)
  const ready = waitReadyCommand(service, setup)
  const role = oneshot ? 'oneshot' : 'service'
  return unit('service.service', unitName(setup, name), role, setup, service, service.environment, {
    description: text(`${setup.project}: ${name}`),
    wants: someWords([...dependencies, ...others]),
    requires: someWords(completed),
    after: someWords([...dependencies, ...completed, ...others]),
    settings: undefined,
    type: words(oneshot ? 'oneshot' : 'exec'),
    remain: oneshot ? words('yes') : undefined,
    command: command(argv),
    again: oneshot ? command(argv) : undefined,
    ready,
    startTimeout: oneshot ? words('infinity') : milliseconds((planned.probe?.timeoutMs ?? 80_000) + 10_000),
    directory: path(planned.cwd),
    restart: words(restart),
    restartDelay: restart === 'no' ? undefined : words(serverRestartDelay),
    killMode: words(isWrapped ? 'control-group' : 'mixed'),
    stopSignal: words(planned.stopSignal),
    stopTimeout: milliseconds(planned.stopTimeoutMs),
    identifier: words(`${setup.project}-${name}`),
  })
}

function target(setup: ServerSetup, units: readonly Unit[]): Unit {
  const file = `${setup.project}.target`
  const unitText = renderTemplate('target.target', {
    description: text(`${setup.project}: all units`),
    members: words(...units.flatMap(({ instances }) => instances)),
    wantedBy: words(setup.scope === 'system' ? 'multi-user.target' : 'default.target'),
    ...mark(setup),
    settings: undefined,
  })
  return {
    file,
    text: unitText,
    role: 'target',
    instances: [file],
    hash: undefined,
    environmentFile: undefined,
    user: undefined,
  }
}

interface Permissions {
  readonly allow: Allow
  readonly credentials: Readonly<Record<string, string>>
}

/** A unit that runs a program. */
function unit(
  template: string,
  file: string,
  role: Role,
  setup: ServerSetup,
  { allow, credentials }: Permissions,
  variables: Readonly<Record<string, string>>,
  values: UnitValues,
): Unit {
  const user = setup.scope === 'system' ? (allow.user ?? setup.user) : undefined
  const places = user === setup.user ? setup.places : placesOfOtherUser(setup, file)
  const variablesFile = {
    path: `${setup.places.settings}/${file.slice(setup.project.length + 1).replace(/@?\.service$/, '')}.env`,
    text: formatEnvironmentFile(variables, [
      `Written by \`ops install-systemd\` for ${setup.project}, from the configuration and its envFile. Edits are lost.`,
      `X-Ops-Project=${setup.project}`,
    ]),
  }
  const render = (hash: string) =>
    renderTemplate(
      template,
      {
        ...values,
        ...mark(setup),
        target: words(`${setup.project}.target`),
        user: user === undefined ? undefined : words(user),
        environment: environment({ ...setup, places }, hash),
        environmentFile: path(variablesFile.path),
        credentials: Object.entries(credentials).map(([name, from]) => text(`${name}:${from}`)),
        stateDirectory: words(basename(places.state)),
        cacheDirectory: words(basename(places.cache)),
        ...hardening(allow, setup, portOf(file, setup)),
      },
      setup.scope === 'user' ? { 'hardening.conf': 'hardening-user.conf' } : {},
    )
  // Only of what the program runs with: another comment or a newer ops must not restart a service.
  const settings = withoutComments(render('')).replace(/^X-Ops-Version=.*\n/m, '')
  const hash = digest(`${settings}\n${variablesFile.text}`)
  const instances = role === 'worker' ? workerInstances(setup) : [file]
  return { file, text: render(hash), role, instances, hash, environmentFile: variablesFile, user }
}

/** systemd gives a state directory to the user of the unit, so a unit with another user has its own. */
function placesOfOtherUser({ places }: ServerSetup, file: string): Places {
  const name = file.replace(/@?\.service$/, '')
  return { ...places, state: join(dirname(places.state), name), cache: join(dirname(places.cache), name) }
}

function portOf(file: string, setup: ServerSetup): number | undefined {
  return setup.services.find(({ planned }) => unitName(setup, planned.name) === file)?.planned.port
}

function workerInstances({ project, worker }: ServerSetup): string[] {
  return Array.from({ length: worker.instances }, (_, index) => `${project}-worker@${index + 1}.service`)
}

/** A user's systemd has no target for the network. */
function network({ scope }: ServerSetup): string[] {
  return scope === 'system' ? ['network-online.target'] : []
}

function mark({ project, version }: ServerSetup): UnitValues {
  return { project: text(project), version: text(version) }
}

function opsCommand({ node, ops }: ServerSetup, ...argv: string[]): Directive {
  return command([node, ops, ...argv])
}

const standardPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** The folder of the node that runs ops comes first, so that `node` is the same one everywhere. */
export function searchPath(node: string): string[] {
  return [...new Set([dirname(node), ...standardPath])]
}

function environment({ node, places, scope }: ServerSetup, hash: string): Directive[] {
  return [
    assignment('NODE_ENV', 'production'),
    assignment('PATH', searchPath(node).join(':')),
    ...(scope === 'system' ? [assignment('HOME', places.state)] : []),
    assignment('NODE_COMPILE_CACHE', `${places.cache}/node`),
    assignment('OPS_UNIT_HASH', hash),
  ]
}

function someWords(values: readonly string[]): Directive | undefined {
  return values.length === 0 ? undefined : words(...new Set(values))
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16)
}
