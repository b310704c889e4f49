import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { DatabaseUnusableError } from '../../errors.ts'
import { createPrivateFile, createPrivateFolder } from '../../platform/private-file.ts'
import { explainError } from './explain-error.ts'

export type SqliteDatabase = Database.Database

export interface OpenOptions {
  /** FULL by default: a power cut must not undo a "succeeded" after the work was done. */
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** Whether to create a missing file. */
  readonly create?: boolean
}

/**
 * Pages in the write-ahead log after which a commit checkpoints: 40 MB. A checkpoint writes each changed page once, so
 * fewer checkpoints are cheaper.
 */
const AUTOCHECKPOINT_PAGES = 20_000

/**
 * The size to which the write-ahead log is truncated. Commits checkpoint long before, unless a reader needs the log as it
 * is.
 */
export const WAL_LIMIT_BYTES = 64 * 1024 * 1024

/**
 * Opens the database file with the settings that ops relies on.
 *
 * @throws DatabaseUnusableError if the file is missing, not a database, not writable, or cannot use a write-ahead log
 */
export function openDatabase(path: string, { synchronous = 'FULL', create = false }: OpenOptions = {}): SqliteDatabase {
  const isNew = !fileExists(path)
  if (isNew && !create) {
    throw new DatabaseUnusableError(path, 'the file does not exist', {
      suggestions: ['create it: ops migrate', 'set the right path: --config, OPS_CONFIG or OPS_DATABASE_URL'],
    })
  }
  try {
    if (isNew) {
      createPrivateFolder(dirname(path))
      createPrivateFile(path)
    }
    const database = new Database(path, { timeout: 0 })
    // Writing a page costs more than the SQL, so half the default size is a fifth faster. Takes effect only before the first write.
    if (isNew) database.pragma('page_size = 2048')
    // So that a pruning can give space back to the disk.
    if (isNew) database.pragma('auto_vacuum = INCREMENTAL')
    const mode = untilNotBusy(() => database.pragma('journal_mode = WAL', { simple: true }))
    if (mode !== 'wal')
      throw new DatabaseUnusableError(path, `write-ahead logging is not available (journal mode "${mode}")`, {
        suggestions: [
          'put it on a local disk: a write-ahead log needs shared memory, which network file systems do not have',
        ],
      })
    // better-sqlite3 is built with NORMAL as the default for write-ahead logs.
    database.pragma(`synchronous = ${synchronous}`)
    database.pragma(`wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`)
    database.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`)
    database.pragma('foreign_keys = ON')
    return database
  } catch (cause) {
    throw explainError(path, cause)
  }
}

/**
 * Whether the file exists.
 *
 * @throws DatabaseUnusableError if this user has no access to its folder
 */
export function fileExists(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return false
    throw explainError(path, error)
  }
}

/** Only one process can turn the write-ahead log on; for the others it is on a moment later. */
function untilNotBusy<T>(attempt: () => T): T {
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

/** Blocks this thread. Unlike a timer, it can wait for a fraction of a millisecond. */
export function pause(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds)
}
