import pg from 'pg'
import { DatabaseUnusableError } from '../../errors.ts'
import { redactUrl } from '../../redact.ts'
import { CONNECT_TIMEOUT_MS, explainConnectError, TIMED_OUT } from './explain-error.ts'
import { Session } from './session.ts'
import { opsTypes } from './type-parsers.ts'

const OLDEST_SERVER = 130_000

/**
 * Each statement is planned once for the session, with the index made for it: a plan for an empty table still serves when
 * it has a million rows. Instants in columns without a time zone are UTC, as in Drizzle.
 */
const SETTINGS = [
  'set plan_cache_mode = force_generic_plan',
  'set enable_seqscan = off',
  'set enable_bitmapscan = off',
  'set enable_hashjoin = off',
  'set enable_mergejoin = off',
  'set jit = off',
  `set timezone = 'UTC'`,
  // glibc gives memory above 128 kB back to the system after every step of a worker, and asks for it again in the next,
  // which takes a tenth of the time. Once it has freed a large piece it keeps twice as much.
  `select length(repeat('-', 1000000))`,
].join('; ')

/**
 * Connects to the database of a URL.
 *
 * @throws DatabaseUnusableError if it cannot be reached in time, or is too old
 */
export async function openSession(url: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<Session> {
  const client = newClient(url, timeoutMs)
  const session = new Session(client, redactUrl(url))
  const end = performance.now() + timeoutMs
  let timer: NodeJS.Timeout | undefined
  try {
    await client.connect()
    // The client's own limit ends here, and the first statements may be the ones that get no answer.
    timer = setTimeout(() => session.destroy(new Error(TIMED_OUT)), Math.max(0, end - performance.now()))
    const [row] = await session.query(`select current_setting('server_version_num')::int as version`)
    if ((row!.version as number) < OLDEST_SERVER) throw tooOld(session.name, row!.version as number)
    await session.query(SETTINGS)
    return session
  } catch (error) {
    session.destroy()
    throw error instanceof DatabaseUnusableError ? error : explainConnectError(session.name, error as Error)
  } finally {
    clearTimeout(timer)
  }
}

/** A client that is not yet connected. */
export function newClient(url: string, timeoutMs = CONNECT_TIMEOUT_MS): pg.Client {
  return new pg.Client({
    connectionString: url,
    application_name: 'ops',
    keepAlive: true,
    connectionTimeoutMillis: timeoutMs,
    types: opsTypes,
  })
}

function tooOld(name: string, version: number): DatabaseUnusableError {
  return new DatabaseUnusableError(
    name,
    `PostgreSQL ${Math.floor(version / 10_000)} is not supported; ops needs 13 or later`,
    {
      suggestions: ['upgrade the server'],
    },
  )
}
