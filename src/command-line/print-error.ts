import { type Problem, toProblem } from '../errors.ts'
import { terminalJson } from '../format.ts'
import { loadWrapping, printProblem } from '../output/print-problem.ts'
import { redactValue } from '../redact.ts'

interface ThrownError extends Error {
  readonly code?: string
  readonly suggestions?: readonly string[]
  readonly oclif?: { readonly exit?: number }
  /** Each problem of an input, where the error is about all of them. */
  readonly problems?: readonly Problem[]
}

/**
 * Prints why a command failed, on standard error, or as JSON on standard output where that is asked for.
 *
 * @returns the exit status
 */
export async function printError(thrown: unknown, argv: readonly string[]): Promise<number> {
  const error: ThrownError = thrown instanceof Error ? thrown : new Error(String(thrown))
  const status = error.oclif?.exit ?? 1
  // A command has ended itself, and has said why.
  if (error.code === 'EEXIT') return status
  if (isJson(argv)) {
    console.log(jsonText(errorJson(error)))
    return status
  }
  await loadWrapping()
  printProblem(isBug(error) ? { ...toProblem(error), message: error.stack ?? error.message } : problemOf(error))
  return status
}

/** What `--json` prints: no secret, and nothing that changes a terminal. */
export function jsonText(value: unknown): string {
  return terminalJson(JSON.stringify(redactValue(value), undefined, 2))
}

/** The same for `--json`. */
export function errorJson(error: ThrownError): { error: Problem & { problems?: readonly Problem[] } } {
  const { problems } = error
  return { error: { ...problemOf(error), ...(Array.isArray(problems) && { problems }) } }
}

/** Errors of oclif and of other programs' plugins have no severity, and may have a code and suggestions. */
function problemOf(error: ThrownError): Problem {
  const problem = toProblem(error)
  if (error.oclif === undefined) return problem
  const { code = problem.code, suggestions = problem.suggestions } = error
  return { ...problem, code, suggestions }
}

/** Whether it is a mistake in a program: only then is the stack of use. What the system refuses has a code. */
function isBug({ code, oclif }: ThrownError): boolean {
  return oclif === undefined && (typeof code !== 'string' || code.startsWith('ERR_'))
}

function isJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}
