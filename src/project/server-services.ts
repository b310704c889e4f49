import { existsSync } from 'node:fs'
import type { Config, Service } from '../config/config.ts'
import { planServices } from '../services/plan-services.ts'
import type { PlannedService } from '../services/planned-service.ts'
import { serviceEnvironment } from '../services/service-environment.ts'
import { unreadable } from '../systemd/environment-file.ts'
import { searchPath } from '../systemd/render-units.ts'
import type { ServerService } from '../systemd/server-setup.ts'
import { serviceArgv } from '../systemd/service-argv.ts'
import { findProgram } from './find-program.ts'

interface Where {
  readonly directory: string
  readonly node: string
  /** What all of them get. */
  readonly environment: Readonly<Record<string, string>>
}

export interface ServerServices {
  readonly services: readonly ServerService[]
  readonly worker: { readonly environment: Readonly<Record<string, string>> }
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** The services and the worker as they are on the server, with every default filled in by the rules of development. */
export async function serverServices(config: Config, where: Where): Promise<ServerServices> {
  const { services: all, worker } = plannedForServer(config, where.directory)
  const services: ServerService[] = []
  const problems: string[] = []
  const warnings: string[] = []
  for (const planned of all) {
    const { service, missing } = await serverService(planned, config.services![serviceOf(planned)]!, where)
    services.push(service)
    if (missing !== undefined) warnings.push(`services.${planned.name}: there is no program "${missing}" here.`)
    if (!existsSync(planned.cwd)) problems.push(`services.${planned.name}.cwd: there is no folder ${planned.cwd}.`)
    problems.push(...variableProblems(`services.${planned.name}`, service.environment))
  }
  const environment = { ...where.environment, ...(await serviceEnvironment(worker, {})) }
  problems.push(...variableProblems('worker', environment))
  return { services, worker: { environment }, problems, warnings }
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

async function serverService(planned: PlannedService, service: Service, { directory: _, node, environment }: Where) {
  const find = (program: string) => findProgram(program, searchPath(node))
  const { argv, isWrapped, missing } = serviceArgv(planned.command, { cwd: planned.cwd, node, find })
  const onServer: ServerService = {
    planned,
    argv,
    isWrapped,
    restart: restartOf(service),
    // systemd gives a unit nothing of the environment of whoever installs it, so nothing of it is taken over.
    environment: { ...environment, ...(await serviceEnvironment(planned, {})) },
    allow: service.allow ?? {},
    credentials: service.credentials ?? {},
  }
  return { service: onServer, missing }
}

/** On a server a service that ends is missed, so it is started again unless the configuration says otherwise. */
function restartOf({ restart, oneshot }: Service): ServerService['restart'] {
  if (restart === undefined) return oneshot ? 'no' : 'always'
  return restart === 'never' ? 'no' : restart
}

function variableProblems(path: string, environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const why = unreadable(name, value)
    return why === undefined ? [] : [`${path}: systemd would pass over the variable "${name}": ${why}.`]
  })
}

function serviceOf({ name }: PlannedService): string {
  return name.split('.')[0]!
}
