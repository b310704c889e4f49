import { exitStatus, OpsError } from '../errors.ts'

export class SourceUnreadableError extends OpsError {
  constructor(source: string, cause: Error) {
    super('SOURCE_UNREADABLE', `${source} cannot be read: ${cause.message.split('\n')[0]}.`, {
      cause,
      suggestions: ['name another file: ops init --from <file>', 'mend it, and try again'],
    })
  }
}

export class NoServicesFoundError extends OpsError {
  constructor(source: string, notes: readonly string[]) {
    super('NO_SERVICES_FOUND', [`${source} declares no service that ops could run.`, ...notes].join('\n'), {
      suggestions: [
        'name another file: ops init --from <file>',
        'begin with an example: ops init in a folder without one',
      ],
    })
  }
}

export class ConfigurationExistsError extends OpsError {
  constructor(file: string) {
    super('CONFIGURATION_EXISTS', `There is a configuration already: ${file}.`, {
      exit: exitStatus.failed,
      suggestions: ['replace it: ops init --force'],
    })
  }
}
