import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { formatBytes, formatDuration } from '../../format.ts'
import { type Check, failed, passed, warned } from '../check.ts'
import { checkReferences } from './check-references.ts'
import { connectedProcesses } from './connected-processes.ts'
import type { Connection } from './connection.ts'
import { explainError } from './explain-error.ts'
import { type SqliteDatabase, WAL_LIMIT_BYTES } from './open-database.ts'
import { auditQuery } from './records.ts'

/** A large result or a backup can fill what is left. */
const LITTLE_SPACE_BYTES = 256 * 1024 * 1024

/** Network file systems by their type in statfs(2): the shared memory of a write-ahead log does not work on them. */
const networkFileSystems: Readonly<Record<number, string>> = { 26985: 'NFS', 4283649346: 'CIFS', 4266872130: 'SMB' }

/**
 * Checks the file, and the settings with which ops opens it.
 *
 * @param connect opens it as ops does, which turns WAL mode on: only after the file was checked as it is
 * @throws DatabaseUnusableError
 */
export function checkDatabase(path: string, connect: () => Connection): Check[] {
  const file = checkFile(path)
  const { database } = connect()
  return [...file, synchronous(database), foreignKeys(database), checkReferences(database), clock(database, new Date())]
}

function checkFile(path: string): Check[] {
  try {
    const database = new Database(path, { fileMustExist: true, timeout: 1000 })
    try {
      const version = database.prepare('select sqlite_version()').pluck().get()
      const size = formatBytes(statSync(path).size)
      return [
        passed('database', `${path}, ${size}, SQLite ${version}`),
        journalMode(database),
        writeAheadLog(path),
        disk(path),
      ]
    } finally {
      database.close()
    }
  } catch (error) {
    throw explainError(path, error)
  }
}

function journalMode(database: SqliteDatabase): Check {
  const mode = String(database.pragma('journal_mode', { simple: true }))
  if (mode === 'wal') return passed('journal mode', 'WAL')
  return warned(
    'journal mode',
    'JOURNAL_MODE',
    `the journal mode is "${mode}", in which readers and writers block each other`,
    'start a worker, which turns WAL mode on: ops worker',
    'find the program that turns it off',
  )
}

function writeAheadLog(path: string): Check {
  const name = 'write-ahead log'
  const size = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const found = formatBytes(size)
  if (size <= WAL_LIMIT_BYTES) return passed(name, found)
  const others = new Set((connectedProcesses(path) ?? []).filter((pid) => pid !== process.pid))
  return warned(
    name,
    'WAL_TOO_LARGE',
    `it has ${found}; ops keeps it below ${formatBytes(WAL_LIMIT_BYTES)}`,
    others.size === 0
      ? 'start a worker, which truncates it: ops worker'
      : `end the transaction that is open in ${others.size === 1 ? 'process' : 'one of the processes'} ${[...others].join(', ')}`,
  )
}

function disk(path: string): Check {
  const { type, bavail, bsize } = statfsSync(dirname(path))
  const free = bavail * bsize
  const network = networkFileSystems[type]
  if (network !== undefined) {
    return failed('disk', {
      code: 'DATABASE_ON_NETWORK_DISK',
      severity: 'error',
      message: `the database is on ${network}, where SQLite cannot share memory between machines`,
      suggestions: ['move the database to a local disk, or use PostgreSQL'],
    })
  }
  if (free >= LITTLE_SPACE_BYTES) return passed('disk', `${formatBytes(free)} free`)
  return warned('disk', 'DISK_NEARLY_FULL', `only ${formatBytes(free)} free`, `free up space in ${dirname(path)}`)
}

/** A setting of each connection; this one has those of every ops with this configuration. */
function synchronous(database: SqliteDatabase): Check {
  const isFull = Number(database.pragma('synchronous', { simple: true })) >= 2
  return passed('synchronous', isFull ? 'FULL' : 'NORMAL, as configured: a power failure may undo the last tasks')
}

function foreignKeys(database: SqliteDatabase): Check {
  if (Number(database.pragma('foreign_keys', { simple: true })) === 1) return passed('foreign keys', 'on')
  return failed('foreign keys', {
    code: 'FOREIGN_KEYS_OFF',
    severity: 'error',
    message: 'off: this SQLite does not enforce references',
    suggestions: ['use an SQLite that is built with foreign keys'],
  })
}

/** Times come from the clock of each writer, so all that shows is that one has been set back. */
function clock(database: SqliteDatabase, now: Date): Check {
  const hasAudit = database.prepare(`select 1 from sqlite_master where name = 'ops_audit'`).get() !== undefined
  const latest = hasAudit
    ? (database.prepare(auditQuery({ limit: 1 })).get({ limit: 1 }) as { at: number } | undefined)?.at
    : undefined
  const aheadMs = (latest ?? 0) - now.getTime()
  if (aheadMs < 1000) return passed('clock', "this machine's")
  return warned(
    'clock',
    'CLOCK_BEHIND',
    `the latest audit entry is ${formatDuration(aheadMs)} ahead of this machine's clock`,
    'keep the clock in sync: timedatectl set-ntp true',
  )
}
