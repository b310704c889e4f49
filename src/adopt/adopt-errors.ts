import { exitStatus, OpsError } from '../errors.ts'

export class SourceUnreadableError extends OpsError {
  readonly code = 'SOURCE_UNREADABLE'
  constructor(source: string, cause: Error) {
    super(`${source} cannot be read: ${cause.message.split('\n')[0]}.`, {
      cause,
      suggestions: ['name another file: ops init --from <file>', 'mend it, and try again'],
    })
  }
}

export class NoServicesFoundError extends OpsError {
  readonly code = 'NO_SERVICES_FOUND'
  constructor(source: string, notes: readonly string[]) {
    super([`${source} declares no service that ops could run.`, ...notes].join('\n'), {
      suggestions: [
        'name another file: ops init --from <file>',
        'begin with an example: ops init in a folder without one',
      ],
    })
  }
}

export class ConfigurationExistsError extends OpsError {
  readonly code = 'CONFIGURATION_EXISTS'
  constructor(file: string) {
    super(`There is a configuration already: ${file}.`, {
      exit: exitStatus.failed,
      suggestions: ['replace it: ops init --force'],
    })
  }
}
