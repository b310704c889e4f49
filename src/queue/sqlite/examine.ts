import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { formatBytes } from '../../format.ts'
import type { Finding } from '../finding.ts'
import { WAL_LIMIT_BYTES } from './checkpoint.ts'
import { connectedProcesses } from './connected-processes.ts'
import type { Connection } from './connection.ts'
import type { SqliteDatabase } from './open-database.ts'
import { asUnusable } from './unusable.ts'

/** Of so little room a single large result or a backup can take the rest. */
const LITTLE_ROOM_BYTES = 256 * 1024 * 1024

/** File systems of the network (statfs(2)), on which the shared memory of a write-ahead log is not shared. */
const networkFileSystems: Readonly<Record<number, string>> = { 26985: 'NFS', 4283649346: 'CIFS', 4266872130: 'SMB' }

/**
 * How the file is found and what ops makes of it.
 *
 * @param connect opens it as ops does, which turns the write-ahead log on: only after the file was looked at as it is
 * @throws DatabaseUnusableError
 */
export function examine(path: string, connect: () => Connection): Finding[] {
  const file = examineFile(path)
  const { database } = connect()
  return [...file, synchronous(database), foreignKeys(database), references(database), clock(database, new Date())]
}

function examineFile(path: string): Finding[] {
  try {
    const database = new Database(path, { fileMustExist: true, timeout: 1000 })
    try {
      const version = database.prepare('select sqlite_version()').pluck().get()
      const size = formatBytes(statSync(path).size)
      return [
        { name: 'database', status: 'ok', found: `${path}, ${size}, SQLite ${version}` },
        journalMode(database),
        writeAheadLog(path),
        disk(path),
      ]
    } finally {
      database.close()
    }
  } catch (error) {
    throw asUnusable(path, error)
  }
}

function journalMode(database: SqliteDatabase): Finding {
  const mode = String(database.pragma('journal_mode', { simple: true }))
  if (mode === 'wal') return { name: 'journal mode', status: 'ok', found: 'WAL' }
  return {
    name: 'journal mode',
    status: 'warning',
    found: `"${mode}", in which readers and writers wait for each other`,
    remedy: 'start ops worker, which turns the write-ahead log on; see which program turns it off',
  }
}

function writeAheadLog(path: string): Finding {
  const name = 'write-ahead log'
  const size = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const found = formatBytes(size)
  if (size <= WAL_LIMIT_BYTES) return { name, status: 'ok', found }
  const others = (connectedProcesses(path) ?? []).filter((pid) => pid !== process.pid)
  return {
    name,
    status: 'warning',
    found: `${found}, more than the ${formatBytes(WAL_LIMIT_BYTES)} to which ops cuts it back`,
    remedy:
      others.length === 0
        ? 'start ops worker, which cuts it back'
        : `end the transaction that somebody holds open; the file is open in ${inWords(others)}`,
  }
}

function inWords(pids: readonly number[]): string {
  return `${pids.length === 1 ? 'process' : 'processes'} ${[...new Set(pids)].join(', ')}`
}

function disk(path: string): Finding {
  const { type, bavail, bsize } = statfsSync(dirname(path))
  const room = bavail * bsize
  const found = `${formatBytes(room)} left`
  const network = networkFileSystems[type]
  if (network !== undefined) {
    return {
      name: 'disk',
      status: 'problem',
      found: `${found}, and ${network} shares no memory between machines`,
      remedy: 'put the database on a local disk, or use PostgreSQL',
    }
  }
  if (room >= LITTLE_ROOM_BYTES) return { name: 'disk', status: 'ok', found }
  return { name: 'disk', status: 'warning', found, remedy: `make room on the disk of ${dirname(path)}` }
}

/** Each connection has its own, so this one is that of every ops with this configuration. */
function synchronous(database: SqliteDatabase): Finding {
  const isFull = Number(database.pragma('synchronous', { simple: true })) >= 2
  const found = isFull ? 'FULL' : 'NORMAL, as configured: a power cut may undo the last tasks'
  return { name: 'synchronous', status: 'ok', found }
}

function foreignKeys(database: SqliteDatabase): Finding {
  const name = 'foreign keys'
  if (Number(database.pragma('foreign_keys', { simple: true })) === 1) return { name, status: 'ok', found: 'on' }
  return { name, status: 'problem', found: 'off', remedy: 'use an SQLite that was built with foreign keys' }
}

/** SQLite leaves it to each program whether it keeps to them, and most of them do not. */
function references(database: SqliteDatabase): Finding {
  const name = 'references'
  const broken = database
    .prepare('select "table", count(*) as rows from pragma_foreign_key_check group by "table"')
    .all() as { table: string; rows: number }[]
  if (broken.length === 0) return { name, status: 'ok', found: 'each row that is referenced is there' }
  return {
    name,
    status: 'problem',
    found: `rows that reference what is not there: ${broken.map(({ table, rows }) => `${rows} of ${table}`).join(', ')}`,
    remedy:
      'mend the rows that "pragma foreign_key_check" names; let other programs say "pragma foreign_keys = on" when they connect',
  }
}

/** The database has the clock of whoever writes, so all that can be seen is that one has been set back. */
function clock(database: SqliteDatabase, now: Date): Finding {
  const name = 'clock'
  const hasTrail = database.prepare(`select 1 from sqlite_master where name = 'ops_audit'`).get() !== undefined
  const latest = hasTrail
    ? (database.prepare('select at from ops_audit order by id desc limit 1').pluck().get() as number | undefined)
    : undefined
  const aheadMs = (latest ?? 0) - now.getTime()
  if (aheadMs < 1000) return { name, status: 'ok', found: "this machine's" }
  return {
    name,
    status: 'warning',
    found: `the latest entry of the audit trail is ${Math.round(aheadMs / 1000)} s ahead of this machine's clock`,
    remedy: 'see that the clock is right, and kept so: timedatectl set-ntp true',
  }
}
