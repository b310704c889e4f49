import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { DatabaseUnusableError } from '../../errors.ts'
import { WAL_LIMIT_BYTES } from './checkpoint.ts'
import { asUnusable } from './unusable.ts'

export type SqliteDatabase = Database.Database

export interface OpenOptions {
  /** FULL unless configured: a power cut must not undo a "succeeded" after the work was done. */
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** Whether a file that does not exist is made. */
  readonly create?: boolean
}

/**
 * Frames in the write-ahead log after which a commit moves them into the database: 40 MB. A page is
 * written to the database once for all its changes since the last time, so rarer is cheaper.
 */
const AUTOCHECKPOINT_PAGES = 20_000

/**
 * Opens the database file and sets what ops relies on.
 *
 * @throws DatabaseUnusableError when the file is missing, not a database, not writable, or cannot have a write-ahead log
 */
export function openDatabase(path: string, { synchronous = 'FULL', create = false }: OpenOptions = {}): SqliteDatabase {
  const isNew = !isThere(path)
  if (isNew && !create) {
    throw new DatabaseUnusableError(path, 'there is no such file', {
      suggestions: ['create it: ops migrate', 'or name the right one: --config, OPS_CONFIG or OPS_DATABASE_URL'],
    })
  }
  try {
    if (isNew) mkdirSync(dirname(path), { recursive: true })
    const database = new Database(path, { timeout: 0 })
    // Each page that a commit dirties costs more than the SQL; half the usual size is a fifth faster. Only before the first write.
    if (isNew) database.pragma('page_size = 2048')
    const mode = withPatience(() => database.pragma('journal_mode = WAL', { simple: true }))
    if (mode !== 'wal')
      throw new DatabaseUnusableError(path, `its journal mode stays "${mode}"`, {
        suggestions: [
          'put it on a local disk: a write-ahead log needs shared memory, which a network file system lacks',
        ],
      })
    // better-sqlite3 is built with NORMAL for write-ahead logs, so FULL must be said.
    database.pragma(`synchronous = ${synchronous}`)
    database.pragma(`wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`)
    database.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`)
    database.pragma('foreign_keys = ON')
    return database
  } catch (cause) {
    throw asUnusable(path, cause)
  }
}

/**
 * Whether there is such a file.
 *
 * @throws DatabaseUnusableError where this user may not look
 */
export function isThere(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return false
    throw asUnusable(path, error)
  }
}

/** Only one process can turn the log on; the others find it done a moment later. */
function withPatience<T>(attempt: () => T): T {
  const end = Date.now() + 5000
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      if (!isBusy(error) || Date.now() > end) throw error
      pause(1)
    }
  }
}

export function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
}

const cell = new Int32Array(new SharedArrayBuffer(4))

/** Stops this thread for a fraction of a millisecond, which no timer can. */
export function pause(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds)
}
