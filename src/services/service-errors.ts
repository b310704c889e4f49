import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import type { PortHolder } from './port-holder.ts'

export class UnknownServiceError extends OpsError {
  readonly code = 'UNKNOWN_SERVICE'
  constructor(name: string, known: readonly string[]) {
    super(`No service is named "${name}".`, {
      exit: exitStatus.usage,
      suggestions: [...didYouMean(name, known), `use some of: ${known.join(', ')}`],
    })
  }
}

interface TakenPort {
  readonly service: string
  readonly port: number
  readonly holder: PortHolder | undefined
}

export class PortTakenError extends OpsError {
  readonly code = 'PORT_TAKEN'
  constructor(taken: readonly TakenPort[]) {
    super(taken.map(takenInWords).join('\n'), {
      suggestions: taken.flatMap(({ service, port, holder }) => [
        holder === undefined ? `see who has it: lsof -i :${port}` : whatEnds(holder),
        `or set another port: services.${service.split('.')[0]}.port`,
      ]),
    })
  }
}

function takenInWords({ service, port, holder }: TakenPort): string {
  const by = holder === undefined ? 'another program' : `process ${holder.pid} (${holder.command})`
  const of = holder?.service === undefined ? '' : `, the service "${holder.service.name}" of ${holder.service.config}`
  return `The service "${service}" cannot start: port ${port} is taken by ${by}${of}.`
}

function whatEnds({ pid, service }: PortHolder): string {
  return service === undefined ? `end it: kill ${pid}` : `stop those: ops stop-services --config ${service.config}`
}

/** Two services, or two instances, that would want the same port. */
export class PortSharedError extends OpsError {
  readonly code = 'PORT_SHARED'
  constructor(port: number, services: readonly string[]) {
    super(`Only one of ${services.map((name) => `"${name}"`).join(' and ')} can have port ${port}.`, {
      exit: exitStatus.configuration,
      suggestions: ['the instances of a service have the ports from its own one upwards'],
    })
  }
}

export class EnvFileMissingError extends OpsError {
  readonly code = 'ENV_FILE_MISSING'
  constructor(service: string, file: string, cause: unknown) {
    super(`The service "${service}" cannot start: its envFile "${file}" cannot be read.`, {
      exit: exitStatus.configuration,
      cause,
      suggestions: [`create it, or take it out of services.${service.split('.')[0]}.envFile`],
    })
  }
}

export class ServiceNotStartedError extends OpsError {
  readonly code = 'SERVICE_NOT_STARTED'
  constructor(service: string, cause: unknown) {
    super(`The service "${service}" cannot start: ${(cause as Error).message.trim()}.`, { cause })
  }
}

export class ServiceNotReadyError extends OpsError {
  readonly code = 'SERVICE_NOT_READY'
  constructor(service: string, awaited: string, timeoutMs: number) {
    super(`The service "${service}" was not ready within ${timeoutMs / 1000} s; ${awaited} was waited for.`, {
      suggestions: [`allow it more time: services.${service.split('.')[0]}.ready.timeout`],
    })
  }
}

/** Its exit status becomes that of ops. */
export class ServiceFailedError extends OpsError {
  readonly code = 'SERVICE_FAILED'
  constructor(service: string, how: string, status: number) {
    super(`The service "${service}" ${how}.`, { exit: status, suggestions: ['its last output is above'] })
  }
}

export class WatchedMissingError extends OpsError {
  readonly code = 'WATCHED_MISSING'
  constructor(missing: readonly { readonly service: string; readonly path: string }[]) {
    const lines = missing.map(({ service, path }) => `services.${service.split('.')[0]}.watch: there is no ${path}`)
    super(
      `Not everything that is to be watched exists:\n${[...new Set(lines)].map((line) => `  ${line}`).join('\n')}`,
      {
        exit: exitStatus.configuration,
        suggestions: ['name a file or a folder that is there; ** and * stand for what is below it'],
      },
    )
  }
}
