import { formatBytes } from '../../format.ts'
import type { Finding } from '../finding.ts'
import type { Row, Session } from './session.ts'
import { proveSession, TransactionPoolerError } from './session-proof.ts'

/** A transaction that has been open for so long keeps the server from cleaning up. */
const LONG_TRANSACTION_S = 3600

/** How the server and this session are found. */
export async function examine(session: Session, url: string): Promise<Finding[]> {
  const settings = await settingsOf(session)
  return [
    {
      name: 'database',
      status: 'ok',
      found: `${session.name}, ${formatBytes(settings.size)}, PostgreSQL ${settings.server_version}`,
    },
    await sessionProof(session, url),
    synchronousCommit(settings),
    fsync(settings),
    foreignKeys(settings),
    await writeAheadLog(session, settings),
    await transactions(session),
    await clock(session),
  ]
}

async function settingsOf(session: Session): Promise<Row> {
  const names = ['server_version', 'synchronous_commit', 'fsync', 'full_page_writes', 'session_replication_role']
  const columns = names.map((name) => `current_setting('${name}') as ${name}`).join(', ')
  const size = 'pg_database_size(current_database()) as size'
  const limit = `pg_size_bytes(current_setting('max_wal_size')) as max_wal_size`
  const [row] = await session.query(`select ${columns}, ${size}, ${limit}`)
  return row!
}

async function sessionProof(session: Session, url: string): Promise<Finding> {
  try {
    await proveSession(session, url)
    return { name: 'session', status: 'ok', found: 'stays with its worker' }
  } catch (error) {
    if (!(error instanceof TransactionPoolerError)) throw error
    return { name: 'session', status: 'problem', found: error.message, remedy: error.suggestions.join(', ') }
  }
}

function synchronousCommit({ synchronous_commit: value }: Row): Finding {
  if (value !== 'off') return { name: 'synchronous', status: 'ok', found: `synchronous_commit = ${value}` }
  return {
    name: 'synchronous',
    status: 'warning',
    found: 'synchronous_commit = off: a crash of the server may undo the last tasks, and they run a second time',
    remedy: 'alter database … set synchronous_commit = on',
  }
}

function fsync({ fsync: value, full_page_writes: pages }: Row): Finding {
  const off = [...(value === 'on' ? [] : ['fsync']), ...(pages === 'on' ? [] : ['full_page_writes'])]
  if (off.length === 0) return { name: 'fsync', status: 'ok', found: 'on' }
  return {
    name: 'fsync',
    status: 'problem',
    found: `${off.join(' and ')} off: a power cut may damage the database`,
    remedy: `turn it on in postgresql.conf, then: select pg_reload_conf()`,
  }
}

function foreignKeys({ session_replication_role: role }: Row): Finding {
  if (role === 'origin') return { name: 'foreign keys', status: 'ok', found: 'on' }
  return {
    name: 'foreign keys',
    status: 'problem',
    found: `session_replication_role = ${role}, which turns references and triggers off`,
    remedy: 'take it out of the settings of the user, the database or the URL',
  }
}

async function writeAheadLog(session: Session, { max_wal_size: limit }: Row): Promise<Finding> {
  const name = 'write-ahead log'
  const mayLook = `select pg_has_role(current_user, 'pg_monitor', 'member') as may`
  if (!(await session.query(mayLook))[0]!.may) {
    return { name, status: 'skipped', found: 'only members of pg_monitor see it' }
  }
  const [row] = await session.query('select coalesce(sum(size), 0)::bigint as size from pg_ls_waldir()')
  const found = formatBytes(row!.size)
  if (row!.size <= 2 * limit) return { name, status: 'ok', found }
  const slots = await session.query('select slot_name as name from pg_replication_slots where not active')
  return {
    name,
    status: 'warning',
    found: `${found}, more than twice max_wal_size`,
    remedy:
      slots.length === 0
        ? 'see why the archive or a replica does not follow'
        : `nobody reads these replication slots, so the log is kept for them: ${slots.map((slot) => slot.name).join(', ')}`,
  }
}

async function transactions(session: Session): Promise<Finding> {
  const [row] = await session.query(
    `select pid, extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
      order by xact_start limit 1`,
  )
  const name = 'transactions'
  if (row === undefined || row.seconds < LONG_TRANSACTION_S) {
    return { name, status: 'ok', found: 'none is open for long' }
  }
  return {
    name,
    status: 'warning',
    found: `one has been open for ${Math.round(row.seconds / 60)} minutes, and no finished row is cleaned up since`,
    remedy: `see what it does: select * from pg_stat_activity where pid = ${row.pid}`,
  }
}

/** Tasks go by the database's clock, what workers print goes by this machine's. */
async function clock(session: Session): Promise<Finding> {
  const before = Date.now()
  const [row] = await session.query('select clock_timestamp() as now')
  const after = Date.now()
  const theirs = (row!.now as Date).getTime()
  // Where between question and answer it was read is not known, and need not be.
  const apart = theirs < before ? theirs - before : theirs > after ? theirs - after : 0
  const inWords = `${Math.abs(apart / 1000).toFixed(1)} s ${apart > 0 ? 'ahead of' : 'behind'} this machine's`
  if (Math.abs(apart) < 1000) return { name: 'clock', status: 'ok', found: `the database's agrees with this machine's` }
  return {
    name: 'clock',
    status: 'warning',
    found: `the database's is ${inWords}`,
    remedy: 'keep both right: timedatectl set-ntp true',
  }
}
