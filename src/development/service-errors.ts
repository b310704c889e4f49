import { didYouMean, exitStatus, OpsError } from '../errors.ts'
import { serviceOf } from './planned-service.ts'
import type { PortHolder } from './port-holder.ts'
import type { SessionRecord } from './session-record.ts'

export class UnknownServiceError extends OpsError {
  constructor(name: string, known: readonly string[]) {
    super('UNKNOWN_SERVICE', didYouMean(`Unknown service "${name}".`, name, known), {
      exit: exitStatus.usage,
      suggestions: [`use one of: ${known.join(', ')}`],
    })
  }
}

interface TakenPort {
  readonly service: string
  readonly port: number
  readonly holder: PortHolder | undefined
}

export class PortTakenError extends OpsError {
  constructor(taken: readonly TakenPort[]) {
    super('PORT_TAKEN', taken.map(takenInWords).join('\n'), {
      suggestions: taken.flatMap(({ service, port, holder }) => [
        holder === undefined ? `see who has it: lsof -i :${port}` : whatEnds(holder),
        `or set another port: services.${serviceOf(service)}.port`,
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
  constructor(port: number, services: readonly string[]) {
    super('PORT_SHARED', `Only one of ${services.map((name) => `"${name}"`).join(' and ')} can have port ${port}.`, {
      exit: exitStatus.configuration,
      suggestions: ['the instances of a service have the ports from its own one upwards'],
    })
  }
}

export class EnvFileMissingError extends OpsError {
  constructor(service: string, file: string, cause: unknown) {
    super('ENV_FILE_MISSING', `The service "${service}" cannot start: its envFile "${file}" cannot be read.`, {
      exit: exitStatus.configuration,
      cause,
      suggestions: [`create it, or take it out of services.${serviceOf(service)}.envFile`],
    })
  }
}

export class ServiceNotStartedError extends OpsError {
  constructor(service: string, cause: unknown) {
    super('SERVICE_NOT_STARTED', `The service "${service}" cannot start: ${(cause as Error).message.trim()}.`, {
      cause,
    })
  }
}

export class ServiceNotReadyError extends OpsError {
  constructor(service: string, awaited: string, timeoutMs: number) {
    super(
      'SERVICE_NOT_READY',
      `The service "${service}" was not ready within ${timeoutMs / 1000} s; ${awaited} was waited for.`,
      {
        suggestions: [`allow it more time: services.${serviceOf(service)}.ready.timeout`],
      },
    )
  }
}

/** Its exit status becomes that of ops. */
export class ServiceFailedError extends OpsError {
  constructor(service: string, how: string, status: number) {
    super('SERVICE_FAILED', `The service "${service}" ${how}.`, {
      exit: status,
      suggestions: ['its last output is above'],
    })
  }
}

/** Where it is kept who runs. */
export class StateDirectoryUnusableError extends OpsError {
  constructor(directory: string, cause: Error) {
    super('STATE_DIRECTORY_UNUSABLE', `State cannot be kept in ${directory}: ${cause.message}.`, {
      cause,
      suggestions: ['let this user write there', 'or name another folder: OPS_HOME'],
    })
  }
}

/** Somebody has started them already. */
export class ServicesRunError extends OpsError {
  constructor(record: SessionRecord | undefined) {
    super(
      'SERVICES_RUN',
      record === undefined
        ? 'The services of this project are being started elsewhere.'
        : `The services of this project run already, by process ${record.pid} since ${record.startedAt}: ${namesOf(record)}.`,
      { suggestions: ['see them: ops status', 'stop them: ops stop-services'] },
    )
  }
}

function namesOf({ groups }: SessionRecord): string {
  return groups.length === 0 ? 'none is up' : groups.map(({ name }) => name).join(', ')
}

/** Nobody can be asked about services. */
export class ServicesDoNotRunError extends OpsError {
  constructor(config: string) {
    super('SERVICES_DO_NOT_RUN', `No services of ${config} run here.`, {
      suggestions: ['start them: ops start-services'],
    })
  }
}

export class RestartFailedError extends OpsError {
  constructor(failures: readonly { readonly name: string; readonly error: string }[]) {
    super(
      'RESTART_FAILED',
      failures.map(({ name, error }) => `The service "${name}" was not started anew: ${error}`).join('\n'),
      {
        suggestions: ['see what it wrote: ops logs <service>', 'see all of them: ops status'],
      },
    )
  }
}
