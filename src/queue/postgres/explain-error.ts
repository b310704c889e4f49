import { DatabaseUnusableError } from '../../errors.ts'
import { formatDuration } from '../../format.ts'

export const CONNECT_TIMEOUT_MS = 10_000

/** What the client says when the connection has not been made in time. */
export const TIMED_OUT = 'timeout expired'

type ServerError = Error & { code?: string }

/** Why a connection could not be made, with what to do about it. */
export function explainConnectError(database: string, error: ServerError): DatabaseUnusableError {
  const { problem, suggestion } = diagnose(error)
  return new DatabaseUnusableError(database, problem, { cause: error, suggestions: [suggestion] })
}

const theUrl = 'the URL (OPS_DATABASE_URL, or "database" in the configuration)'

function diagnose({ code, message }: ServerError): { problem: string; suggestion: string } {
  switch (code) {
    case 'ECONNREFUSED':
      return { problem: 'connection refused', suggestion: `start PostgreSQL, or check ${theUrl}` }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { problem: 'host not found', suggestion: `check the host in ${theUrl}` }
    case '28P01':
      return { problem: message, suggestion: `check the user and the password in ${theUrl}` }
    case '28000':
      return { problem: message, suggestion: `check the user in ${theUrl}, and pg_hba.conf of the server` }
    case '3D000':
      return { problem: 'the database does not exist', suggestion: `create it with createdb, or check ${theUrl}` }
    case '53300':
      return { problem: 'too many connections', suggestion: 'raise max_connections, or close some of them' }
    default:
      return message.includes(TIMED_OUT)
        ? {
            problem: `connection timed out after ${formatDuration(CONNECT_TIMEOUT_MS)}`,
            suggestion: `check that the host and port are reachable, or check ${theUrl}`,
          }
        : { problem: message, suggestion: `check ${theUrl}` }
  }
}

/** Whether the database of a connection does not exist. */
export function isMissingDatabase(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code === '3D000'
}

/** An error of a statement; with what to do if the database was never migrated. */
export function explainStatementError(database: string, error: ServerError): Error {
  const isMissing = error.code === '42P01' || error.code === '42883'
  if (!isMissing || !/\bops_/.test(error.message)) return error
  return new DatabaseUnusableError(database, `it is not migrated: ${error.message}`, {
    cause: error,
    suggestions: ['migrate it: ops migrate'],
  })
}

/**
 * The classes of SQLSTATE by which the server would refuse the same statement again: values, constraints, names, privileges,
 * limits, and what triggers raise.
 */
const REFUSALS = /^(0A|2[1237F]|3[89]|4[24]|54|P0)/

/** Whether the server, or the driver, would refuse the same statement again. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
  // One of ops' functions for a table may be missing; without the tables of ops, the whole database is unusable.
  if (error instanceof DatabaseUnusableError) return cause?.code === '42883'
  return REFUSALS.test(String(code))
}
