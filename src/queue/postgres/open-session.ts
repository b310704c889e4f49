import pg from 'pg'
import { DatabaseUnusableError } from '../../errors.ts'
import { redactUrl } from '../../redact.ts'
import { Session } from './session.ts'

const CONNECT_WITHIN_MS = 10_000
const OLDEST_SERVER = 130_000

/**
 * Each statement is planned once for the session, and by the index that was made for it: what is planned while a table
 * is empty still runs when it has a million rows. The instants of columns without a time zone are UTC, as Drizzle has
 * it.
 */
const SETTINGS = [
  'set plan_cache_mode = force_generic_plan',
  'set enable_seqscan = off',
  'set enable_bitmapscan = off',
  'set enable_hashjoin = off',
  'set enable_mergejoin = off',
  'set jit = off',
  `set timezone = 'UTC'`,
].join('; ')

/**
 * Connects to the database of a URL.
 *
 * @throws DatabaseUnusableError with what to do about it
 */
export async function openSession(url: string): Promise<Session> {
  const client = newClient(url)
  const session = new Session(client, redactUrl(url))
  try {
    await client.connect()
    const [row] = await session.query(`select current_setting('server_version_num')::int as version`)
    if ((row!.version as number) < OLDEST_SERVER) throw tooOld(session.name, row!.version as number)
    await session.query(SETTINGS)
    return session
  } catch (error) {
    session.destroy()
    throw error instanceof DatabaseUnusableError ? error : explained(session.name, error as Error & { code?: string })
  }
}

/** A client that is not yet connected. */
export function newClient(url: string): pg.Client {
  return new pg.Client({
    connectionString: url,
    application_name: 'ops',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    types: { getTypeParser },
  })
}

/** Identities and counts are whole numbers that JavaScript can hold. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (raw: never) => unknown {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')
}

function tooOld(name: string, version: number): DatabaseUnusableError {
  return new DatabaseUnusableError(
    name,
    `it is PostgreSQL ${Math.floor(version / 10_000)}, and ops needs 13 or newer`,
    {
      suggestions: ['use a newer server'],
    },
  )
}

function explained(name: string, error: Error & { code?: string }): Error {
  const { problem, suggestion } = diagnose(error)
  return new DatabaseUnusableError(name, problem, { cause: error, suggestions: [suggestion] })
}

const theUrl = 'the URL, which OPS_DATABASE_URL or "database" in the configuration gives'

function diagnose({ code, message }: Error & { code?: string }): { problem: string; suggestion: string } {
  switch (code) {
    case 'ECONNREFUSED':
      return { problem: 'nothing accepts connections there', suggestion: `start PostgreSQL, or mend ${theUrl}` }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { problem: 'its host is not known', suggestion: `mend the name of the host in ${theUrl}` }
    case '28P01':
    case '28000':
      return {
        problem: `it lets nobody in with these credentials: ${message}`,
        suggestion: `mend user and password in ${theUrl}`,
      }
    case '3D000':
      return { problem: 'there is no such database', suggestion: `create it with createdb, or mend ${theUrl}` }
    case '53300':
      return { problem: 'it has too many connections', suggestion: 'raise max_connections, or end some of them' }
    default:
      return message.includes('timeout expired')
        ? {
            problem: `it did not answer within ${CONNECT_WITHIN_MS / 1000} s`,
            suggestion: `see that the host and the port can be reached, or mend ${theUrl}`,
          }
        : { problem: message, suggestion: `see that ${theUrl.replace(', which', ' is right, which')}` }
  }
}

export function isMissingDatabase(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } }
  return cause?.code === '3D000'
}
