import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config, Service } from '../config/config.ts'
import { planServices } from '../services/plan-services.ts'
import { serviceEnvironment } from '../services/service-environment.ts'
import { urlIn } from '../systemd/installed-state.ts'
import { placesOf } from '../systemd/places.ts'
import { searchPath } from '../systemd/render-units.ts'
import type { Scope, ServerService, ServerSetup } from '../systemd/server-setup.ts'
import { serviceArgv } from '../systemd/service-argv.ts'
import { findProgram } from './find-program.ts'
import type { Project } from './open-project.ts'
import { type ServerDatabase, serverDatabase } from './server-database.ts'
import { type Called, isInHome, nameOfFolder, pathsInHomes, projectName, throughName } from './server-names.ts'

export interface ServerOptions extends Called {
  readonly scope: Scope
  readonly node: string
  /** The folder of this program. */
  readonly root: string
  readonly version: string
  /** Where the plugins are kept that were installed. */
  readonly pluginFolder: string
  readonly systemdVersion: number | undefined
}

export interface ServerPlan {
  readonly setup: ServerSetup
  readonly database: ServerDatabase
  /** What will not do on a server, in sentences. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** What a project is on a server. It looks at the configuration and the project's files, not at systemd. */
export async function planServer(project: Project, options: ServerOptions): Promise<ServerPlan> {
  const { config } = project
  const { scope, env, node, root, version } = options
  const directory = nameOfFolder(project, options)
  const name = projectName(project, options)
  const places = placesOf({ ...options, project: name })
  const url = env.OPS_DATABASE_URL ?? config.database ?? rememberedUrl(places.settings) ?? 'sqlite:.ops/ops.db'
  const database = serverDatabase(url, { directory, state: places.state })
  const problems: string[] = []
  const warnings: string[] = []

  const pluginFolder = throughName(options.pluginFolder, project, directory)
  const plugins = project.registry.plugins.filter(({ type }) => type !== 'bundled')
  const environment = {
    ...(project.file === undefined ? {} : { OPS_CONFIG: join(directory, basename(project.file)) }),
    OPS_DATABASE_URL: database.url,
    // Said, and not left to be found: whoever installs has plugins of his own in his home.
    OPS_DATA_DIR: pluginFolder,
  }
  const opened = (allow = {}) => withFolder(allow, database.folder)
  const services: ServerService[] = []
  for (const planned of serverServices(config, directory)) {
    const service = config.services![planned.name.split('.')[0]!]!
    const find = (program: string) => findProgram(program, searchPath(node))
    const { argv, isWrapped, missing } = serviceArgv(planned.command, { cwd: planned.cwd, node, find })
    if (missing !== undefined) warnings.push(`services.${planned.name}: there is no program "${missing}" here.`)
    services.push({
      planned,
      argv,
      isWrapped,
      restart: restartOf(service),
      // systemd gives a unit nothing of the environment of whoever installs it, so nothing of it is taken over.
      environment: { ...environment, ...(await serviceEnvironment(planned, {})) },
      allow: opened(service.allow),
      credentials: service.credentials ?? {},
    })
  }
  const worker = config.worker ?? {}
  const setup: ServerSetup = {
    project: name,
    version,
    scope,
    directory,
    node,
    ops: join(throughName(root, project, directory), 'bin', 'run.js'),
    homePaths: pathsInHomes([directory, root, ...plugins.map((plugin) => plugin.root), pluginFolder]),
    pluginRoots: plugins.map((plugin) => plugin.root),
    user: scope === 'system' ? (config.systemd?.user ?? worker.allow?.user ?? name) : undefined,
    places,
    environment,
    services,
    worker: {
      instances: worker.instances ?? 1,
      allow: opened(worker.allow),
      credentials: worker.credentials ?? {},
      settings: workerSettings(config, project, version),
    },
  }
  if (scope === 'system' && isInHome(node)) {
    problems.push(
      `The node that runs this, ${node}, is in somebody's home, where units do not look and which its owner changes (nvm does with each version). Run ops with a node in /usr or /opt, or let this one be copied: --copy-node.`,
    )
  }
  for (const { planned } of services) {
    if (!existsSync(planned.cwd)) problems.push(`services.${planned.name}.cwd: there is no folder ${planned.cwd}.`)
  }
  return { setup, database, problems, warnings }
}

/** The services of the server with every default filled in, by the rules of development. */
function serverServices(config: Config, directory: string) {
  const services = Object.fromEntries(
    Object.entries(config.services ?? {})
      .filter(([, { only }]) => only !== 'development')
      .map(([name, { only: _, ...service }]) => [name, service]),
  )
  const planned = planServices({
    config: { ...config, services },
    directory,
    worker: { command: ['worker'] },
    names: [],
  })
  return planned.filter(({ name }) => Object.hasOwn(services, name.split('.')[0]!))
}

/** On a server a service that ends is missed, so it is started again unless the configuration says otherwise. */
function restartOf({ restart, oneshot }: Service): ServerService['restart'] {
  if (restart === undefined) return oneshot ? 'no' : 'always'
  return restart === 'never' ? 'no' : restart
}

/** A URL that was in the environment of an earlier installation, and is nowhere else. */
function rememberedUrl(settings: string): string | undefined {
  const url = urlIn(join(settings, 'worker.env'))
  return url?.startsWith('postgres') ? url : undefined
}

function withFolder<Allow extends { writePaths?: readonly string[] }>(allow: Allow, folder: string | undefined): Allow {
  return folder === undefined ? allow : { ...allow, writePaths: [...(allow.writePaths ?? []), folder] }
}

/** Changes with whatever a worker reads when it starts, and gives nothing of it away. */
function workerSettings(
  { plugins, schedules, worker, synchronous }: Config,
  { registry }: Project,
  version: string,
): string {
  const names = registry.plugins.map(({ name, version }) => `${name}@${version}`).sort()
  const settings = JSON.stringify({ version, names, plugins, schedules, worker, synchronous })
  return createHash('sha256').update(settings).digest('hex').slice(0, 16)
}
