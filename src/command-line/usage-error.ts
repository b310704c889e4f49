import { stripVTControlCharacters } from 'node:util'
import { didYouMean, exitStatus, OpsError } from '../errors.ts'

/** What the errors of oclif's parser know. Their classes are not exported. */
interface ParserError extends Error {
  readonly args?: readonly unknown[]
  readonly flags?: readonly string[]
  readonly parse?: { readonly input?: { readonly flags: Readonly<Record<string, { readonly char?: string }>> } }
}

/** Sentences of oclif, and ours for them. */
const sentences: readonly (readonly [oclif: RegExp, code: string, ours: string])[] = [
  [/^Missing required flag (\S+)$/, 'MISSING_FLAG', 'Missing flag --$1.'],
  [/^Flag (--\S+) expects a value$/, 'MISSING_VALUE', 'Missing value for $1.'],
  [/^Flag (--\S+) expects one of these values: (.+)$/, 'MISSING_VALUE', 'Missing value for $1: expected one of $2.'],
  [/^Flag (--\S+) can only be specified once$/, 'REPEATED_FLAG', '$1 is given more than once.'],
  [
    /^(--[^\s=]+)(?:=.*)? cannot also be provided when using (--\S+)$/,
    'CONFLICTING_FLAGS',
    '$2 cannot be used with $1.',
  ],
  [/^All of the following must be provided when using (--\S+): (.+)$/, 'MISSING_FLAG', '$1 needs $2.'],
  [/^Expected (--[^\s=]+)=(.*) to be one of: (.+)$/, 'INVALID_VALUE', '$1: expected one of $3, got "$2".'],
  [/^Expected (.*) to be one of: (.+)$/, 'INVALID_VALUE', 'Expected one of $2, got "$1".'],
  [
    /^Parsing (--\S+)\s+Expected an integer but received: (.*)$/,
    'INVALID_VALUE',
    '$1: expected a whole number, got "$2".',
  ],
  [
    /^Parsing (--\S+)\s+Expected an integer greater than or equal to (\S+) but received: (.*)$/,
    'INVALID_VALUE',
    '$1: expected a whole number of at least $2, got "$3".',
  ],
  [
    /^Parsing (--\S+)\s+Expected an integer less than or equal to (\S+) but received: (.*)$/,
    'INVALID_VALUE',
    '$1: expected a whole number of at most $2, got "$3".',
  ],
]

/**
 * What oclif's parser complains of, as an error of ours; any other error as it is.
 *
 * @param command as it is typed: `ops enqueue`
 */
export function toUsageError(error: ParserError, command: string): Error {
  if (error instanceof OpsError) return error
  const of = (code: string, message: string) =>
    new OpsError(code, message, { exit: exitStatus.usage, suggestions: [`${command} --help`], cause: error })
  switch (error.constructor.name) {
    case 'RequiredArgsError':
      return of('MISSING_ARGUMENT', `Missing ${plural('argument', argumentNames(error))}.`)
    case 'UnexpectedArgsError':
      return of('UNEXPECTED_ARGUMENT', `Unexpected ${plural('argument', (error.args as string[]).map(quoted))}.`)
    case 'NonExistentFlagsError':
      return of('UNKNOWN_FLAG', unknownFlags(error))
    default: {
      const message = stripVTControlCharacters(error.message)
        .replace(/\nSee more help with --help$/, '')
        .replace(/^The following errors? occurred:\s*/, '')
      const found = message.split('\n  ').flatMap((line) => {
        const known = sentences.find(([pattern]) => pattern.test(line.trim()))
        return known ? [{ code: known[1], text: line.trim().replace(known[0], known[2]) }] : []
      })
      return found[0] ? of(found[0].code, found.map(({ text }) => text).join(' ')) : error
    }
  }
}

function unknownFlags({ flags = [], parse }: ParserError): string {
  const known = Object.keys(parse?.input?.flags ?? {}).map((name) => `--${name}`)
  const text = `Unknown ${plural('flag', flags.map(quoted))}.`
  return flags.length === 1 ? didYouMean(text, flags[0]!, known) : text
}

function argumentNames({ args = [] }: ParserError): string[] {
  return (args as { name: string }[]).map(({ name }) => `<${name}>`)
}

function plural(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${names.join(', ')}`
}

function quoted(text: string): string {
  return `"${text}"`
}
