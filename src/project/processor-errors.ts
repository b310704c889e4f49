import { exitStatus, OpsError } from '../errors.ts'
import type { DeclaredProcessor } from '../processor/processor-registry.ts'

/** Two processors of one table would take each other's tasks. */
export class TableTakenError extends OpsError {
  constructor({ name, plugin }: DeclaredProcessor, table: string, owner: DeclaredProcessor) {
    super(
      'TABLE_TAKEN',
      `The processor "${name}" of ${plugin.name}@${plugin.version} cannot be used: its table "${table}" is that of "${owner.name}" of ${owner.plugin.name}.`,
      { suggestions: [`give it a table of its own, or uninstall ${plugin.name} or ${owner.plugin.name}`] },
    )
  }
}

/** A worker without this processor would leave undone what somebody counts on, and to start it again mends nothing. */
export class ProcessorNeededError extends OpsError {
  /** @param need why it is needed, such as `2 tasks of "emails" are pending` */
  constructor(what: string, need: string, cause: Error) {
    const { suggestions = [] } = cause as { suggestions?: readonly string[] }
    super('PROCESSOR_NEEDED', `The worker does not start without ${what}: ${need}. ${cause.message}`, {
      exit: exitStatus.configuration,
      suggestions: [...suggestions, 'or take tasks of others alone: ops worker --only <processor,…>'],
    })
  }
}

/** A table that neither the application nor the plugin has made. */
export class TableNotMadeError extends OpsError {
  constructor({ name, plugin }: DeclaredProcessor, table: string, database: string) {
    super(
      'TABLE_NOT_MADE',
      `The processor "${name}" of ${plugin.name}@${plugin.version} cannot be used: ${database} has no table "${table}", and no migration of the plugin makes it.`,
      {
        suggestions: [
          'ship migrations/sqlite and migrations/postgres with the plugin, and say "migrations": "./migrations" under "ops" in its package.json',
          'or make the table with the migrations of the application',
        ],
      },
    )
  }
}
