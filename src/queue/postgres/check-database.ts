import { toProblem } from '../../errors.ts'
import { formatBytes, formatDuration } from '../../format.ts'
import { type Check, failed, passed, skipped, warned } from '../check.ts'
import { sequencesBehind } from './sequences.ts'
import type { Session } from './session.ts'
import type { Row } from './statements.ts'
import { refuseTransactionPooler, TransactionPoolerError } from './transaction-pooler.ts'

/** While a transaction is open, the server cannot remove rows that were deleted since. */
const LONG_TRANSACTION_MS = 3_600_000

/** Checks the server and this session, or who else may do what. */
export async function checkDatabase(session: Session, url: string, about?: 'access'): Promise<Check[]> {
  if (about === 'access') return [await creators(session)]
  const settings = await settingsOf(session)
  const version = `PostgreSQL ${settings.server_version}`
  return [
    passed('database', `${session.name}, ${formatBytes(settings.size)}, ${version}`),
    await sessionMode(session, url),
    synchronousCommit(settings),
    fsync(settings),
    foreignKeys(settings),
    await writeAheadLog(session, settings),
    await transactions(session),
    await sequences(session),
    await clock(session),
  ]
}

/** Roles that could shadow what the functions and triggers of ops call, apart from the owner of the schema. */
async function creators(session: Session): Promise<Check> {
  const rows = await session.query(
    `select roles.name, current_schema() as schema from (
       select rolname::text as name, oid from pg_catalog.pg_roles where not rolsuper and rolname !~ '^pg_'
       union all select 'public', 0
     ) as roles
     where pg_catalog.has_schema_privilege(roles.name, current_schema(), 'CREATE')
       and not exists (
         select from pg_catalog.pg_namespace n
         where n.nspname = current_schema() and roles.oid <> 0 and pg_catalog.pg_has_role(roles.oid, n.nspowner, 'USAGE')
       )
     order by roles.name`,
  )
  if (rows.length === 0) return passed('schema', 'only its owner can create objects in it')
  const [schema, names] = [String(rows[0]!.schema), rows.map(({ name }) => String(name))]
  return warned(
    'schema',
    'SCHEMA_IS_OPEN',
    `The schema "${schema}" lets ${names.join(', ')} create objects, which the functions of ops could call.`,
    ...names.map((name) => `revoke create on schema "${schema}" from ${name === 'public' ? name : `"${name}"`}`),
  )
}

async function settingsOf(session: Session): Promise<Row> {
  const names = ['server_version', 'synchronous_commit', 'fsync', 'full_page_writes', 'session_replication_role']
  const columns = names.map((name) => `current_setting('${name}') as ${name}`).join(', ')
  const size = 'pg_database_size(current_database()) as size'
  const limit = `pg_size_bytes(current_setting('max_wal_size')) as max_wal_size`
  const [row] = await session.query(`select ${columns}, ${size}, ${limit}`)
  return row!
}

async function sessionMode(session: Session, url: string): Promise<Check> {
  try {
    await refuseTransactionPooler(session, url)
    return passed('session', 'stays with its worker')
  } catch (error) {
    if (!(error instanceof TransactionPoolerError)) throw error
    return failed('session', toProblem(error))
  }
}

function synchronousCommit({ synchronous_commit: value }: Row): Check {
  if (value !== 'off') return passed('synchronous', `synchronous_commit = ${value}`)
  return warned(
    'synchronous',
    'SYNCHRONOUS_COMMIT_OFF',
    'synchronous_commit = off: after a crash of the server the last tasks may run again',
    'alter database … set synchronous_commit = on',
  )
}

function fsync({ fsync: value, full_page_writes: pages }: Row): Check {
  const off = [...(value === 'on' ? [] : ['fsync']), ...(pages === 'on' ? [] : ['full_page_writes'])]
  if (off.length === 0) return passed('fsync', 'on')
  return failed('fsync', {
    code: 'FSYNC_OFF',
    severity: 'error',
    message: `${off.join(' and ')} off: a power failure may corrupt the database`,
    suggestions: ['turn it on in postgresql.conf, then: select pg_reload_conf()'],
  })
}

function foreignKeys({ session_replication_role: role }: Row): Check {
  if (role === 'origin') return passed('foreign keys', 'on')
  return failed('foreign keys', {
    code: 'FOREIGN_KEYS_OFF',
    severity: 'error',
    message: `session_replication_role = ${role} turns references and triggers off`,
    suggestions: ['remove it from the settings of the user, the database and the URL'],
  })
}

async function writeAheadLog(session: Session, { max_wal_size: limit }: Row): Promise<Check> {
  const name = 'write-ahead log'
  const isMember = `select pg_has_role(current_user, 'pg_monitor', 'member') as may`
  if (!(await session.query(isMember))[0]!.may) return skipped(name, 'visible to members of pg_monitor only')
  const [row] = await session.query('select coalesce(sum(size), 0)::bigint as size from pg_ls_waldir()')
  const found = formatBytes(row!.size)
  if (row!.size <= 2 * limit) return passed(name, found)
  const slots = await session.query('select slot_name as name from pg_replication_slots where not active')
  return warned(
    name,
    'WAL_TOO_LARGE',
    `it has ${found}, more than twice max_wal_size`,
    slots.length === 0
      ? 'check why archiving or a replica falls behind'
      : `drop the replication slots that nothing reads: ${slots.map((slot) => slot.name).join(', ')}`,
  )
}

async function transactions(session: Session): Promise<Check> {
  const [row] = await session.query(
    `select pid, extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
      order by xact_start limit 1`,
  )
  const openMs = (row?.seconds ?? 0) * 1000
  if (openMs < LONG_TRANSACTION_MS) return passed('transactions', 'none is open for long')
  return warned(
    'transactions',
    'LONG_TRANSACTION',
    `one has been open for ${formatDuration(openMs)} and keeps the server from cleaning up`,
    `show what it does: select * from pg_stat_activity where pid = ${row!.pid}`,
  )
}

async function sequences(session: Session): Promise<Check> {
  const behind = await sequencesBehind(session)
  if (behind.length === 0) return passed('sequences', 'ahead of the numbers in the tables')
  return failed('sequences', {
    code: 'SEQUENCE_BEHIND',
    severity: 'error',
    message: `behind the numbers in the tables, as after the restore of a dump: ${behind.map(({ name }) => name).join(', ')}`,
    suggestions: ['set them forward: ops migrate'],
  })
}

/** Tasks go by the database's clock, what workers print by this machine's. */
async function clock(session: Session): Promise<Check> {
  const before = Date.now()
  const [row] = await session.query('select clock_timestamp() as now')
  const after = Date.now()
  const theirs = (row!.now as Date).getTime()
  // It was read at some time between question and answer.
  const apart = theirs < before ? theirs - before : theirs > after ? theirs - after : 0
  if (Math.abs(apart) < 1000) return passed('clock', "the database's agrees with this machine's")
  return warned(
    'clock',
    'CLOCKS_APART',
    `the database's is ${formatDuration(Math.abs(apart))} ${apart > 0 ? 'ahead of' : 'behind'} this machine's`,
    'keep both clocks in sync: timedatectl set-ntp true',
  )
}
