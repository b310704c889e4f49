import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Allow, Config, Service } from '../config/config.ts'
import { restartDefaults } from '../config/service-defaults.ts'
import { planServices } from '../development/plan-services.ts'
import { type PlannedService, serviceOf } from '../development/planned-service.ts'
import { serviceEnvironment } from '../development/service-environment.ts'
import { unreadable } from '../systemd/environment-file.ts'
import { findProgram } from './find-program.ts'
import { searchPath } from './render-units.ts'
import type { ServerService } from './server-setup.ts'
import { serviceArgv } from './service-argv.ts'

interface Where {
  readonly directory: string
  readonly node: string
  /** What all of them get. */
  readonly environment: Readonly<Record<string, string>>
}

export interface ServerServices {
  readonly services: readonly ServerService[]
  readonly worker: { readonly environment: Readonly<Record<string, string>> }
  /** Variables that systemd would not give to a program, by the field that has them. */
  readonly unkept: readonly string[]
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** The services and the worker as they are on the server, with every default filled in by the rules of development. */
export async function serverServices(config: Config, where: Where): Promise<ServerServices> {
  const { services: all, worker } = plannedForServer(config, where.directory)
  const services: ServerService[] = []
  const unkept: string[] = []
  const problems: string[] = []
  const warnings: string[] = []
  for (const planned of all) {
    const { service, missing } = await serverService(planned, config.services![serviceOf(planned.name)]!, where)
    services.push(service)
    if (missing !== undefined) warnings.push(`services.${planned.name}: there is no program "${missing}" here.`)
    if (!existsSync(planned.cwd)) problems.push(`services.${planned.name}.cwd: there is no folder ${planned.cwd}.`)
    unkept.push(...unkeptVariables(`services.${serviceOf(planned.name)}`, service.environment, planned.env))
  }
  const environment = { ...where.environment, ...(await serviceEnvironment(worker, {})) }
  unkept.push(...unkeptVariables('worker', environment, worker.env))
  return { services, worker: { environment }, unkept: [...new Set(unkept)], problems, warnings }
}

function plannedForServer(config: Config, directory: string) {
  const services = Object.fromEntries(
    Object.entries(config.services ?? {})
      .filter(([, { only }]) => only !== 'development')
      .map(([name, { only: _, ...service }]) => [name, service]),
  )
  const here = { ...config, services, worker: { ...config.worker, instances: 1 } }
  const planned = planServices({ config: here, directory, worker: { command: ['worker'] }, names: [] })
  const worker = planned.find(({ name }) => name === 'worker')!
  return { services: planned.filter((service) => service !== worker), worker }
}

async function serverService(planned: PlannedService, service: Service, where: Where) {
  const { directory, node } = where
  // systemd gives a unit nothing of the environment of whoever installs it, so nothing of it is taken over.
  const environment = { ...where.environment, ...(await serviceEnvironment(planned, {})) }
  const path = environment.PATH?.split(':') ?? searchPath(node)
  const find = (program: string) => findProgram(program, path)
  const { argv, isWrapped, missing } = serviceArgv(planned.command, { cwd: planned.cwd, node, find })
  const onServer: ServerService = {
    planned,
    argv,
    isWrapped,
    restart: restartOf(service),
    environment,
    allow: absolute(service.allow, directory),
    credentials: service.credentials ?? {},
  }
  return { service: onServer, missing }
}

/** A folder is named from the project here as everywhere; systemd passes over a path that is not absolute. */
export function absolute(allow: Allow | undefined, directory: string): Allow {
  if (allow?.writePaths === undefined) return allow ?? {}
  return { ...allow, writePaths: allow.writePaths.map((path) => resolve(directory, path)) }
}

function restartOf({ restart, oneshot }: Service): ServerService['restart'] {
  const policy = restart ?? (oneshot ? restartDefaults.oneshot : restartDefaults.server)
  return policy === 'never' ? 'no' : policy
}

function unkeptVariables(
  path: string,
  environment: Readonly<Record<string, string>>,
  own: PlannedService['env'],
): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const why = unreadable(name, value)
    if (why === undefined) return []
    const field = Object.hasOwn(own, name) ? `${path}.env.${name}` : `${path}.envFile`
    return [`${field}: systemd would pass over the variable "${name}": ${why}`]
  })
}
