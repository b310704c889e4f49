import { didYouMean, exitStatus, OpsError } from '../errors.ts'

export class UnknownServiceError extends OpsError {
  readonly code = 'UNKNOWN_SERVICE'
  constructor(name: string, known: readonly string[]) {
    super(`No service is named "${name}".`, {
      exit: exitStatus.usage,
      suggestions: [...didYouMean(name, known), `use some of: ${known.join(', ')}`],
    })
  }
}

export class PortTakenError extends OpsError {
  readonly code = 'PORT_TAKEN'
  constructor(service: string, port: number, holder: { readonly pid: number; readonly command: string } | undefined) {
    const by = holder === undefined ? 'another program' : `process ${holder.pid} (${holder.command})`
    super(`The service "${service}" cannot start: port ${port} is taken by ${by}.`, {
      suggestions: [
        holder === undefined ? `see who has it: lsof -i :${port}` : `end it: kill ${holder.pid}`,
        `or set another port: services.${service.split('.')[0]}.port`,
      ],
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
