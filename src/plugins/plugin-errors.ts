import { OpsError } from '../errors.ts'

export class PluginListUnreadableError extends OpsError {
  readonly code = 'PLUGIN_LIST_UNREADABLE'
  constructor(file: string, cause: Error) {
    super(`The list of plugins, ${file}, cannot be read: ${cause.message}.`, {
      cause,
      suggestions: ['mend the file, or bring an earlier one back'],
    })
  }
}
