import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Allow, Config } from '../config/config.ts'
import { InvalidConfigurationError, type Problem } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { type Manifest, manifestPath, readManifest } from '../systemd/manifest.ts'
import { placesOf, type Scope } from '../systemd/places.ts'
import { databaseChange, type ServerDatabase, serverDatabase } from './server-database.ts'
import { pathsInHomes, projectName, type StartOptions, stableFolder, stablePath } from './server-paths.ts'
import { serverServices, withAbsolutePaths } from './server-services.ts'
import type { ServerSetup } from './server-setup.ts'
import { unsupportedFields } from './unsupported-fields.ts'

export interface ServerOptions extends StartOptions {
  readonly scope: Scope
  readonly node: string
  /** The folder of ops. */
  readonly root: string
  readonly version: string
  /** The folder of installed plugins. */
  readonly pluginFolder: string
  readonly systemdVersion: number | undefined
  /** A folder in place of the root of the server. */
  readonly prefix: string | undefined
}

export interface ServerPlan {
  readonly setup: ServerSetup
  /** Of an earlier installation. */
  readonly manifest: Manifest | undefined
  readonly database: ServerDatabase
  readonly problems: readonly Problem[]
}

/**
 * Plans a project on a server, from its configuration and its files, without systemd.
 *
 * @throws InvalidConfigurationError with every field that systemd does not support
 */
export async function planServer(project: Project, options: ServerOptions): Promise<ServerPlan> {
  const { config } = project
  const { scope, env, node, root, version, prefix = '' } = options
  const directory = stableFolder(project, options)
  const name = projectName(project, options)
  const places = placesOf({ ...options, project: name })
  const manifest = readManifest(prefix + manifestPath(places.settings))
  const database = serverDatabase({ env, configured: config.database, manifest, directory, places })

  const pluginFolder = stablePath(options.pluginFolder, project, directory)
  const plugins = project.registry.plugins.filter(({ type }) => type !== 'bundled')
  const environment = {
    ...(project.file === undefined ? {} : { OPS_CONFIG: join(directory, basename(project.file)) }),
    OPS_DATABASE_URL: database.url,
    // Explicit, since the user who installs can have plugins in a home folder.
    OPS_DATA_DIR: pluginFolder,
  }
  const planned = await serverServices(config, { directory, node, environment })
  const unsupported = [...unsupportedFields(config), ...planned.unsupported]
  if (unsupported.length > 0) {
    throw new InvalidConfigurationError(project.file ?? 'The configuration', unsupported)
  }
  const withDatabase = (allow: Allow) => withFolder(allow, database.folder)
  const worker = config.worker ?? {}
  const ofServices = planned.services.flatMap(({ planned: { cwd }, argv: [program] }) => [cwd, program!])
  const setup: ServerSetup = {
    project: name,
    version,
    scope,
    directory,
    node,
    ops: join(stablePath(root, project, directory), 'bin', 'run.js'),
    homePaths: pathsInHomes([directory, root, ...plugins.map((plugin) => plugin.root), pluginFolder, ...ofServices]),
    pluginRoots: plugins.map((plugin) => plugin.root),
    user: scope === 'system' ? (config.systemd?.user ?? worker.allow?.user ?? name) : undefined,
    places,
    services: planned.services.map((service) => ({ ...service, allow: withDatabase(service.allow) })),
    worker: {
      instances: worker.instances ?? 1,
      environment: planned.worker.environment,
      allow: withDatabase(withAbsolutePaths(worker.allow, directory)),
      credentials: worker.credentials ?? {},
      settings: workerSettings(config, project, version),
    },
  }
  const change = prefix === '' ? databaseChange(places.settings, database.url) : []
  return { setup, manifest, database, problems: [...planned.problems, ...change] }
}

function withFolder(allow: Allow, folder: string | undefined): Allow {
  return folder === undefined ? allow : { ...allow, writePaths: [...(allow.writePaths ?? []), folder] }
}

/** A digest of everything that a worker reads when it starts. It reveals no secret. */
function workerSettings(
  { plugins, schedules, worker, sqlite }: Config,
  { registry }: Project,
  version: string,
): string {
  const names = registry.plugins.map(({ name, version }) => `${name}@${version}`).sort()
  const settings = JSON.stringify({ version, names, plugins, schedules, worker, sqlite })
  return createHash('sha256').update(settings).digest('hex').slice(0, 16)
}
