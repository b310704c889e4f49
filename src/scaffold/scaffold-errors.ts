import { exitStatus, OpsError } from '../errors.ts'
import { formatCommand } from '../format.ts'

/** What was asked for cannot become a plugin: every problem at once. */
export class ProcessorRefusedError extends OpsError {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(
      'PROCESSOR_REFUSED',
      problems.length === 1
        ? `This processor cannot be made: ${problems[0]}`
        : `This processor cannot be made:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
      { exit: exitStatus.usage, suggestions: ['see what may be given: ops generate processor --help'] },
    )
    this.problems = problems
  }
}

export class ProcessorUnnamedError extends OpsError {
  constructor() {
    super('PROCESSOR_UNNAMED', 'The new processor has no name, and there is no terminal to ask for it.', {
      exit: exitStatus.usage,
      suggestions: ['name it: ops generate processor email'],
    })
  }
}

export class SecondNameError extends OpsError {
  constructor(name: string, second: string) {
    super('SECOND_NAME', `"${second}" is one name too many: the processor is named "${name}".`, {
      exit: exitStatus.usage,
      suggestions: [`a column has a type: ${second}:text`],
    })
  }
}

export class FolderInUseError extends OpsError {
  constructor(folder: string, inTheWay: readonly string[]) {
    const shown = inTheWay.length > 3 ? `${inTheWay.slice(0, 3).join(', ')} and more` : inTheWay.join(', ')
    super('FOLDER_IN_USE', `${folder} is not empty (${shown}). Nothing was written.`, {
      exit: exitStatus.usage,
      suggestions: ['give another name, or another folder: --dir <folder>', 'write over what is there: --force'],
    })
  }
}

export class CannotWritePluginError extends OpsError {
  constructor(folder: string, cause: Error) {
    super('CANNOT_WRITE_PLUGIN', `The plugin cannot be written to ${folder}: ${cause.message}.`, {
      cause,
      suggestions: ['name a folder that you may write to: --dir <folder>'],
    })
  }
}

/** In a checkout of ops, plugins are developed with what is compiled of it. */
export class CannotBuildOpsError extends OpsError {
  constructor(root: string) {
    super(
      'CANNOT_BUILD_OPS',
      `ops itself, in ${root}, cannot be built, and the plugin needs its types. Nothing was written.`,
      {
        suggestions: [`see why: ${formatCommand('cd', root)} && npm run build:core`],
      },
    )
  }
}

export class NoPluginHereError extends OpsError {
  constructor(folder: string, problem: string) {
    super('NO_PLUGIN_HERE', `${folder} is no folder of a plugin: ${problem}.`, {
      exit: exitStatus.usage,
      suggestions: [
        'change to the folder of the plugin, or name it: --dir <folder>',
        'begin one: ops generate processor',
      ],
    })
  }
}

export class MigrationNameError extends OpsError {
  constructor(name: string) {
    super(
      'MIGRATION_NAME',
      `"${name}" cannot be the name of a migration: lower case letters, digits and _ are expected.`,
      {
        exit: exitStatus.usage,
        suggestions: ['name what changes: ops generate migration add_labels'],
      },
    )
  }
}

export class DrizzleKitMissingError extends OpsError {
  constructor(folder: string, version: string) {
    super(
      'DRIZZLE_KIT_MISSING',
      `drizzle-kit, which compares the tables with the last migration, is not installed in ${folder}.`,
      {
        suggestions: [`npm install --save-dev drizzle-kit@${version}`],
      },
    )
  }
}

export class DrizzleKitUnusableError extends OpsError {
  constructor(problem: string, version: string, cause?: unknown) {
    super('DRIZZLE_KIT_UNUSABLE', `drizzle-kit cannot be used: ${problem}.`, {
      cause,
      suggestions: [`install the version that ops knows: npm install --save-dev drizzle-kit@${version}`],
    })
  }
}

/** drizzle-kit asks a person whether a column that is new is one that is gone, under another name. */
export class RenameUnclearError extends OpsError {
  constructor(database: string, cause: unknown) {
    super(
      'RENAME_UNCLEAR',
      `Columns are gone and others are new, and for ${database} drizzle-kit asks which of them were renamed. There is no terminal to ask in. Nothing was written.`,
      {
        cause,
        suggestions: ['run this in a terminal', 'or change one thing at a time: add, generate; then remove, generate'],
      },
    )
  }
}

/** Migrations without the description that drizzle-kit compares with would be made once more. */
export class SnapshotMissingError extends OpsError {
  constructor(folder: string, migration: string) {
    super(
      'SNAPSHOT_MISSING',
      `${folder} has the migration ${migration} and no meta/*_snapshot.json that describes the tables behind it.`,
      {
        suggestions: ['bring the folder meta back from where the plugin is kept'],
      },
    )
  }
}

export class SnapshotUnreadableError extends OpsError {
  constructor(file: string, cause: Error) {
    super('SNAPSHOT_UNREADABLE', `${file} cannot be read: ${cause.message}.`, {
      cause,
      suggestions: ['bring it back from where the plugin is kept'],
    })
  }
}
