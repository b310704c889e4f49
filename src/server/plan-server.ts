import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Allow, Config } from '../config/config.ts'
import { InvalidConfigurationError } from '../errors.ts'
import type { Project } from '../project/open-project.ts'
import { type Manifest, manifestPath, readManifest } from '../systemd/manifest.ts'
import type { Scope } from '../systemd/places.ts'
import { placesOf } from '../systemd/places.ts'
import { type ServerDatabase, serverDatabase } from './server-database.ts'
import { type Called, isInHome, nameOfFolder, pathsInHomes, projectName, throughName } from './server-names.ts'
import { absolute, serverServices } from './server-services.ts'
import type { ServerSetup } from './server-setup.ts'
import { changeOfDatabase, serverUrl } from './server-url.ts'
import { unkeptFields } from './unkept-fields.ts'

export interface ServerOptions extends Called {
  readonly scope: Scope
  readonly node: string
  /** The folder of this program. */
  readonly root: string
  readonly version: string
  /** Where the plugins are kept that were installed. */
  readonly pluginFolder: string
  readonly systemdVersion: number | undefined
  /** A folder that stands for the root of the server. */
  readonly prefix: string | undefined
}

export interface ServerPlan {
  readonly setup: ServerSetup
  /** Of an earlier installation. */
  readonly manifest: Manifest | undefined
  readonly database: ServerDatabase & { readonly isGiven: boolean }
  /** What will not do on a server, in sentences. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * What a project is on a server. It looks at the configuration and the project's files, not at systemd.
 *
 * @throws InvalidConfigurationError with every field that systemd cannot keep
 */
export async function planServer(project: Project, options: ServerOptions): Promise<ServerPlan> {
  const { config } = project
  const { scope, env, node, root, version, prefix = '' } = options
  const directory = nameOfFolder(project, options)
  const name = projectName(project, options)
  const places = placesOf({ ...options, project: name })
  const manifest = readManifest(prefix + manifestPath(places.settings))
  const { url, isGiven } = serverUrl({ env, configured: config.database }, { manifest, settings: places.settings })
  const database = serverDatabase(url, { directory, state: places.state })

  const pluginFolder = throughName(options.pluginFolder, project, directory)
  const plugins = project.registry.plugins.filter(({ type }) => type !== 'bundled')
  const environment = {
    ...(project.file === undefined ? {} : { OPS_CONFIG: join(directory, basename(project.file)) }),
    OPS_DATABASE_URL: database.url,
    // Said, and not left to be found: whoever installs has plugins of his own in his home.
    OPS_DATA_DIR: pluginFolder,
  }
  const planned = await serverServices(config, { directory, node, environment })
  const unkept = [...unkeptFields(config), ...planned.unkept]
  if (unkept.length > 0) throw new InvalidConfigurationError(project.file ?? 'The configuration', unkept)
  const opened = (allow: Allow) => withFolder(allow, database.folder)
  const worker = config.worker ?? {}
  const ofServices = planned.services.flatMap(({ planned: { cwd }, argv: [program] }) => [cwd, program!])
  const setup: ServerSetup = {
    project: name,
    version,
    scope,
    directory,
    node,
    ops: join(throughName(root, project, directory), 'bin', 'run.js'),
    homePaths: pathsInHomes([directory, root, ...plugins.map((plugin) => plugin.root), pluginFolder, ...ofServices]),
    pluginRoots: plugins.map((plugin) => plugin.root),
    user: scope === 'system' ? (config.systemd?.user ?? worker.allow?.user ?? name) : undefined,
    places,
    services: planned.services.map((service) => ({ ...service, allow: opened(service.allow) })),
    worker: {
      instances: worker.instances ?? 1,
      environment: planned.worker.environment,
      allow: opened(absolute(worker.allow, directory)),
      credentials: worker.credentials ?? {},
      settings: workerSettings(config, project, version),
    },
  }
  const problems = [...planned.problems]
  if (scope === 'system' && isInHome(node)) {
    problems.push(
      `The node that runs this, ${node}, is in somebody's home, where units do not look and which its owner changes (nvm does with each version). Run ops with a node in /usr or /opt, or let this one be copied: --copy-node.`,
    )
  }
  const change = prefix === '' ? changeOfDatabase(places.settings, database.url) : undefined
  const warnings = [...planned.warnings, ...(change === undefined ? [] : [change])]
  return { setup, manifest, database: { ...database, isGiven }, problems, warnings }
}

function withFolder(allow: Allow, folder: string | undefined): Allow {
  return folder === undefined ? allow : { ...allow, writePaths: [...(allow.writePaths ?? []), folder] }
}

/** Changes with whatever a worker reads when it starts, and gives nothing of it away. */
function workerSettings(
  { plugins, schedules, worker, sqlite }: Config,
  { registry }: Project,
  version: string,
): string {
  const names = registry.plugins.map(({ name, version }) => `${name}@${version}`).sort()
  const settings = JSON.stringify({ version, names, plugins, schedules, worker, sqlite })
  return createHash('sha256').update(settings).digest('hex').slice(0, 16)
}
