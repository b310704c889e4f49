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
  /** What to do, the best first: advice, `fix the plugin`, a command, `ops migrate`, or both, `create it: ops migrate`. */
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

/** `Unknown table "nots". Did you mean "notes"?`, wrong usage with the code UNKNOWN_TABLE. */
export function unknownName(
  noun: string,
  name: string,
  known: readonly string[],
  { aliases = [], suggestions = [] }: { aliases?: readonly string[]; suggestions?: readonly string[] } = {},
): OpsError {
  const sentence = didYouMean(`Unknown ${noun} "${name}".`, name, [...known, ...aliases])
  return new OpsError(`UNKNOWN_${noun.toUpperCase()}`, sentence, {
    exit: exitStatus.usage,
    suggestions: [...(known.length > 0 ? [`use one of: ${known.join(', ')}`] : []), ...suggestions],
  })
}

export function invalidTaskTable(table: string, problem: string): OpsError {
  return new OpsError('INVALID_TASK_TABLE', `Invalid task table "${table}": ${problem}.`)
}

export function invalidProcessor(name: string, problem: string): OpsError {
  return new OpsError('INVALID_PROCESSOR', `Invalid processor "${name}": ${problem}.`)
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

/** A problem of an input, where the code and the severity are those of the error about the input. */
export type InputProblem = Pick<Problem, 'where' | 'message'> & Partial<Problem>

/** `services.api.port: expected a number, got "x"`. */
export function problemLine({ where, message }: InputProblem): string {
  return where === undefined || where === '' ? message : `${where}: ${message}`
}

/** `Try: ops migrate  # create it`, which can be typed as it is; advice that cannot is a sentence. */
export function suggestionLine(suggestion: string): string {
  const [, purpose, command] = /^(?:(.+): )?((?:ops|sudo|cd|npm|node|journalctl) .+)$/.exec(suggestion) ?? []
  if (command !== undefined) return `Try: ${command}${purpose === undefined ? '' : `  # ${purpose}`}`
  // What stands behind a colon is copied.
  const end = /: |[.?!]$/.test(suggestion) ? '' : '.'
  return `${suggestion.charAt(0).toUpperCase()}${suggestion.slice(1)}${end}`
}

/** Bad configuration, with every problem at once. */
export class InvalidConfigurationError extends OpsError {
  readonly problems: readonly Problem[]
  constructor(file: string, problems: readonly InputProblem[], cause?: unknown) {
    const lines = problems.map(problemLine)
    super(
      'INVALID_CONFIGURATION',
      lines.length === 1
        ? `${file}: ${lines[0]}`
        : `${file} has ${lines.length} problems:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      {
        exit: exitStatus.configuration,
        suggestions: [...new Set(problems.flatMap(({ suggestions = [] }) => suggestions))],
        cause,
      },
    )
    this.problems = problems.map((one) => ({ code: this.code, severity: this.severity, suggestions: [], ...one }))
  }
}

/** Invalid values of new tasks, with every problem at once; nothing was written. */
export class InvalidTaskError extends OpsError {
  readonly problems: readonly Problem[]
  /** @param found a text is a problem of the task as a whole */
  constructor(subject: string, found: readonly (InputProblem | string)[], suggestion?: string) {
    const problems = found.map((one) => (typeof one === 'string' ? { message: one } : one))
    const lines = problems.map(problemLine)
    super(
      'INVALID_TASK',
      lines.length === 1 ? `${subject}: ${lines[0]}` : `${subject}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      { exit: exitStatus.usage, suggestions: suggestion === undefined ? [] : [suggestion] },
    )
    this.problems = problems.map((one) => ({ code: this.code, severity: this.severity, suggestions: [], ...one }))
  }
}

export class TaskTableMissingError extends OpsError {
  constructor(processor: string, table: string, database: string) {
    super(
      'TASK_TABLE_MISSING',
      `The processor "${processor}" needs the table "${table}", which does not exist in ${database}.`,
      {
        suggestions: ['ops migrate', 'in the plugin, add migrations in migrations/sqlite and migrations/postgres'],
      },
    )
  }
}

export class DatabaseUnusableError extends OpsError {
  constructor(database: string, problem: string, options: { cause?: unknown; suggestions: readonly string[] }) {
    super('DATABASE_UNUSABLE', `The database ${database} cannot be used: ${problem}.`, options)
  }
}

/** The result of a processor does not fit its task table; a retry would not help. */
export class ResultRefusedError extends OpsError {
  constructor(table: string, cause: Error) {
    super('RESULT_REFUSED', `its end could not be written, "${table}" refused its columns: ${cause.message}`, { cause })
  }
}

export class MigrationFailedError extends OpsError {
  /** `core`, a plugin, or the task table of a guarantee. */
  readonly source: string
  constructor(source: string, migration: string, cause: unknown) {
    super(
      'MIGRATION_FAILED',
      `The migration "${migration}" of ${source} failed and was rolled back: ${(cause as Error).message}.`,
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
    super('MIGRATION_CHANGED', `The migration "${migration}" of ${source} was changed after it was applied.`, {
      suggestions: ['restore the file and put the change into a new migration'],
    })
    this.source = source
  }
}
