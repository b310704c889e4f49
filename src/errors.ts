import { distance } from 'fastest-levenshtein'

/**
 * One thing that is wrong or worth knowing. Doctor, plans, broken plugins, configuration errors and `--json` all use this
 * shape; an OpsError is one that stops a command.
 */
export interface Problem {
  /** Stable, UPPER_SNAKE: what programs match on. */
  readonly code: string
  readonly severity: Severity
  /** What it is about, as the user knows it: `services.api.port`, `ops-plugin-email`, `builds`. */
  readonly where?: string | undefined
  /** What is wrong, in one sentence. */
  readonly message: string
  /** What to do, the best first; commands as they would be typed. */
  readonly suggestions: readonly string[]
}

export type Severity = 'error' | 'warning' | 'info'

export interface OpsErrorOptions {
  readonly where?: string | undefined
  readonly suggestions?: readonly string[]
  /** The exit status, 1 by default. */
  readonly exit?: number
  readonly cause?: unknown
}

/**
 * A failure that an operator can act on: a sentence with a stable code. Subclasses exist only where code catches them by
 * name.
 */
export class OpsError extends Error implements Problem {
  readonly code: string
  readonly severity = 'error'
  readonly where: string | undefined
  readonly suggestions: readonly string[]
  /** What oclif reads: the exit status. */
  readonly oclif: { readonly exit: number }

  constructor(code: string, message: string, { where, suggestions = [], exit = 1, cause }: OpsErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.where = where
    this.suggestions = suggestions
    this.oclif = { exit }
  }
}

/** Any error as a problem; a bug gets the code `UNEXPECTED`. */
export function toProblem(error: unknown, where?: string): Problem {
  if (error instanceof OpsError) {
    const { code, severity, message, suggestions } = error
    return { code, severity, where: error.where ?? where, message, suggestions }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'UNEXPECTED', severity: 'error', where, message, suggestions: [] }
}

/** Exit statuses: design section 11. 78 is EX_CONFIG, on which systemd does not restart. */
export const exitStatus = { failed: 1, usage: 2, configuration: 78 } as const

/** The known name that is most like the word, if one is near enough. Case and punctuation do not count. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const typed = plain(word)
  // Of a word of two letters, two other letters are not a typing error.
  const reach = Math.min(Math.max(2, Math.floor(word.length / 3)), typed.length - 1)
  return [...known]
    .map((name) => ({ name, apart: distance(typed, plain(name)) }))
    .filter(({ apart }) => apart <= reach)
    .sort((a, b) => a.apart - b.apart)[0]?.name
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
}

/** The sentence, followed by `Did you mean "email"?` if a known name is near enough to the word. */
export function didYouMean(sentence: string, word: string, known: Iterable<string>): string {
  const name = nearest(word, known)
  return name === undefined ? sentence : `${sentence} Did you mean "${name}"?`
}

export class InvalidTaskTableError extends OpsError {
  constructor(table: string, problem: string) {
    super('INVALID_TASK_TABLE', `The task table "${table}" cannot be used: ${problem}.`)
  }
}

export class InvalidProcessorError extends OpsError {
  constructor(name: string, problem: string) {
    super('INVALID_PROCESSOR', `The processor "${name}" cannot be used: ${problem}.`)
  }
}

export class UnknownProcessorError extends OpsError {
  constructor(name: string, known: readonly string[]) {
    super('UNKNOWN_PROCESSOR', didYouMean(`Unknown processor "${name}".`, name, known), {
      exit: exitStatus.usage,
      suggestions: [
        ...(known.length > 0 ? [`use one of: ${known.join(', ')}`] : []),
        'install the plugin that provides it: ops plugins install <package>',
      ],
    })
  }
}

/** A processor that is declared but cannot be loaded; the others keep working. */
export class BrokenProcessorError extends OpsError {
  constructor(
    processor: string,
    plugin: string,
    problem: string,
    options: { cause?: unknown; suggestions: readonly string[] },
  ) {
    super('BROKEN_PROCESSOR', `The processor "${processor}" of ${plugin} cannot be loaded: ${problem}.`, {
      where: processor,
      ...options,
    })
  }
}

export class InvalidConfigurationError extends OpsError {
  readonly problems: readonly string[]
  constructor(file: string, problems: readonly string[], cause?: unknown) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('INVALID_CONFIGURATION', `${file} has ${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, {
      exit: exitStatus.configuration,
      cause,
    })
    this.problems = problems
  }
}

export class ConfigurationNotFoundError extends OpsError {
  constructor(file: string, askedBy: string) {
    super('CONFIGURATION_NOT_FOUND', `There is no configuration at "${file}", which ${askedBy} names.`, {
      exit: exitStatus.configuration,
      suggestions: ['name an ops.config.ts, .mts, .js, .mjs or .json that exists'],
    })
  }
}

/** Values for a task that were refused before anything was written: every problem at once. */
export class InvalidTaskError extends OpsError {
  readonly problems: readonly string[]
  constructor(subject: string, problems: readonly string[], suggestion?: string) {
    super(
      'INVALID_TASK',
      problems.length === 1
        ? `${subject}: ${problems[0]}`
        : `${subject}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
      {
        exit: exitStatus.usage,
        suggestions: suggestion === undefined ? [] : [suggestion],
      },
    )
    this.problems = problems
  }
}

export class TaskTableMissingError extends OpsError {
  constructor(processor: string, table: string, database: string) {
    super(
      'TASK_TABLE_MISSING',
      `The processor "${processor}" needs the table "${table}", which ${database} does not have.`,
      {
        suggestions: [
          'create it: ops migrate',
          'or ship its migrations with the plugin, in migrations/sqlite and migrations/postgres',
        ],
      },
    )
  }
}

export class DatabaseUnusableError extends OpsError {
  constructor(database: string, problem: string, options: { cause?: unknown; suggestions: readonly string[] }) {
    super('DATABASE_UNUSABLE', `The database ${database} cannot be used: ${problem}.`, options)
  }
}

/** What a processor returned does not fit its task table; trying again would not help. */
export class ResultRefusedError extends OpsError {
  constructor(table: string, cause: Error) {
    super('RESULT_REFUSED', `what the processor returned cannot be written to "${table}": ${cause.message}`, { cause })
  }
}

/** A task went on although it had to end. Only the end of its process ends it, so the worker gives up its own. */
export class TaskStuckError extends OpsError {
  /** @param isStopping the worker was to end anyway, so that it has not failed */
  constructor(task: string, isStopping: boolean) {
    super('TASK_STUCK', `${task} goes on although its signal has aborted, so this worker ends.`, {
      exit: isStopping ? 0 : exitStatus.failed,
      suggestions: [
        'let the processor look at context.signal',
        'start the worker again; start-services and systemd do so by themselves',
      ],
    })
  }
}

export class MigrationFailedError extends OpsError {
  /** `core`, the plugin, or the task table whose guarantee it is. */
  readonly source: string
  constructor(source: string, migration: string, cause: unknown) {
    super(
      'MIGRATION_FAILED',
      `The migration "${migration}" of ${source} failed; nothing of it was kept: ${(cause as Error).message}.`,
      {
        cause,
      },
    )
    this.source = source
  }
}

export class MigrationChangedError extends OpsError {
  readonly source: string
  constructor(source: string, migration: string) {
    super(
      'MIGRATION_CHANGED',
      `The migration "${migration}" of ${source} is not the one that was applied here: its text has changed since.`,
      {
        suggestions: ['bring its text back and put the change into a new migration'],
      },
    )
    this.source = source
  }
}
