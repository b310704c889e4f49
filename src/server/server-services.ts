import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Allow, Config, Service } from '../config/config.ts'
import { restartDefaults } from '../config/service-defaults.ts'
import { planServices } from '../development/plan-services.ts'
import { type PlannedService, serviceOf } from '../development/planned-service.ts'
import { serviceEnvironment } from '../development/service-environment.ts'
import type { Problem } from '../errors.ts'
import { whyUnsupported } from '../systemd/environment-file.ts'
import { searchPath } from './render-units.ts'
import { installError, installWarning } from './server-problems.ts'
import type { ServerService } from './server-setup.ts'
import { unsupported } from './unsupported-fields.ts'

interface ServicesOptions {
  readonly directory: string
  readonly node: string
  /** Variables of all services and the worker. */
  readonly environment: Readonly<Record<string, string>>
}

export interface ServerServices {
  readonly services: readonly ServerService[]
  readonly worker: { readonly environment: Readonly<Record<string, string>> }
  /** Variables that systemd ignores. */
  readonly unsupported: readonly Problem[]
  readonly problems: readonly Problem[]
}

/** The services and the worker as they run on the server, with every default filled in by the rules of development. */
export async function serverServices(config: Config, options: ServicesOptions): Promise<ServerServices> {
  const planned = planForServer(config, options.directory)
  const services: ServerService[] = []
  const ignored: Problem[] = []
  const problems: Problem[] = []
  for (const one of planned.services) {
    const { service, missing } = await serverService(one, config.services![serviceOf(one.name)]!, options)
    const where = `services.${one.name}`
    services.push(service)
    if (missing !== undefined) {
      problems.push(installWarning('PROGRAM_NOT_FOUND', where, `${where}: program "${missing}" not found.`))
    }
    if (!existsSync(one.cwd)) {
      problems.push(installError('FOLDER_NOT_FOUND', `${where}.cwd`, `${where}.cwd: folder ${one.cwd} not found.`))
    }
    ignored.push(...ignoredVariables(`services.${serviceOf(one.name)}`, service.environment, one.env))
  }
  const environment = { ...options.environment, ...(await serviceEnvironment(planned.worker, {})) }
  ignored.push(...ignoredVariables('worker', environment, planned.worker.env))
  // Instances of a service have the same ones.
  const unsupported = [...new Map(ignored.map((problem) => [problem.message + problem.where, problem])).values()]
  return { services, worker: { environment }, unsupported, problems }
}

function planForServer(config: Config, directory: string) {
  const services = Object.fromEntries(
    Object.entries(config.services ?? {})
      .filter(([, { only }]) => only !== 'development')
      .map(([name, { only: _, ...service }]) => [name, service]),
  )
  const onServer = { ...config, services, worker: { ...config.worker, instances: 1 } }
  const planned = planServices({ config: onServer, directory, worker: { command: ['worker'] }, names: [] })
  const worker = planned.find(({ name }) => name === 'worker')!
  return { services: planned.filter((service) => service !== worker), worker }
}

async function serverService(planned: PlannedService, service: Service, options: ServicesOptions) {
  const { directory, node } = options
  // A unit has nothing of the environment of the shell that installs it.
  const environment = { ...options.environment, ...(await serviceEnvironment(planned, {})) }
  const folders = environment.PATH?.split(':') ?? searchPath(node)
  const { argv, isWrapped, missing } = serviceArgv(planned, node, folders)
  const onServer: ServerService = {
    planned,
    argv,
    isWrapped,
    restart: restartOf(service),
    environment,
    allow: withAbsolutePaths(service.allow, directory),
    credentials: service.credentials ?? {},
  }
  return { service: onServer, missing }
}

/** Folders are relative to the project, as everywhere; systemd ignores a path that is not absolute. */
export function withAbsolutePaths(allow: Allow = {}, directory: string): Allow {
  if (allow.writePaths === undefined) return allow
  return { ...allow, writePaths: allow.writePaths.map((path) => resolve(directory, path)) }
}

/** On a server a service that exits is restarted unless the configuration says otherwise. */
function restartOf({ restart, oneshot }: Service): ServerService['restart'] {
  const policy = restart ?? (oneshot ? restartDefaults.oneshot : restartDefaults.server)
  return policy === 'never' ? 'no' : policy
}

function ignoredVariables(
  path: string,
  environment: Readonly<Record<string, string>>,
  own: PlannedService['env'],
): Problem[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const why = whyUnsupported(name, value)
    if (why === undefined) return []
    const field = Object.hasOwn(own, name) ? `${path}.env.${name}` : `${path}.envFile`
    return [unsupported(field, `systemd ignores the variable "${name}": ${why}`)]
  })
}

/** A word that a shell takes literally. */
const literal = /^[\w@%+:,./=-]+$/

const builtins = new Set(
  '. : alias cd command eval exec exit export read set shift source test trap ulimit umask unset wait'.split(' '),
)
const wrappers = new Set('npm npx pnpm pnpx yarn bun bunx sh bash dash zsh env sudo'.split(' '))

interface ServiceArgv {
  readonly argv: readonly string[]
  /** A shell or a package manager runs the program and does not pass signals on. */
  readonly isWrapped: boolean
  /** The name of a program that is not in the folders. */
  readonly missing: string | undefined
}

/** The program of a command by its absolute path, in a shell only where the command needs one. */
function serviceArgv({ command, cwd }: PlannedService, node: string, folders: readonly string[]): ServiceArgv {
  const argv = typeof command === 'string' ? literalWords(command) : command
  if (argv === undefined) return { argv: ['/bin/sh', '-c', command as string], isWrapped: true, missing: undefined }
  const [program, ...rest] = argv as [string, ...string[]]
  const found = locate(program, cwd, node, folders)
  const isWrapped = wrappers.has(program.split('/').at(-1)!)
  // env searches the PATH of the unit, and so finds what is installed later.
  return found === undefined
    ? { argv: ['/usr/bin/env', program, ...rest], isWrapped, missing: program }
    : { argv: [found, ...rest], isWrapped, missing: undefined }
}

/** The words of a command that a shell would only split at its spaces; undefined if it would do more. */
function literalWords(command: string): readonly string[] | undefined {
  const words = command.trim().split(/ +/)
  const [first] = words
  if (builtins.has(first!) || first!.includes('=')) return undefined
  return words.every((word) => literal.test(word)) ? words : undefined
}

function locate(program: string, cwd: string, node: string, folders: readonly string[]): string | undefined {
  if (program === 'node') return node
  if (program.includes('/')) return resolve(cwd, program)
  return folders.map((folder) => join(folder, program)).find((path) => isAbsolute(path) && isExecutable(path))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
