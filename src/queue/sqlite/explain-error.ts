import { accessSync, constants, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseUnusableError } from '../../errors.ts'
import { formatCommand } from '../../format.ts'

/** An error of SQLite or the file system with what to do about it; any other error as it is. */
export function explainError(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  // If there is no room for its shared memory, SQLite reports an I/O error.
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || (isDiskError(code) && isFull(path))) {
    return unusable('the disk is full', [`free space on the disk of ${dirname(path)}, then try again`])
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return unusable(`the file is damaged: ${message}`, [
      'replace it with a backup, and remove the -wal and -shm files beside it',
      `or recover what is readable: ${formatCommand('sqlite3', path, '.recover')}`,
    ])
  }
  if (isDiskError(code)) {
    return unusable(isWritable(path) ? message : `it is not writable: ${message}`, [
      `check that ${dirname(path)} is on a local disk and that this user can write to it and its files`,
    ])
  }
  return error

  function unusable(problem: string, suggestions: readonly string[]): DatabaseUnusableError {
    return new DatabaseUnusableError(path, problem, { cause: error, suggestions })
  }
}

/**
 * Whether SQLite would refuse the same statement again: a constraint, a value that it cannot store, or a table or column
 * that is not there.
 */
export function isRefusal(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (error instanceof TypeError || error instanceof RangeError) return !/not open/.test(error.message)
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(String(code))) return true
  // Without the tables of ops it is the whole database that is unusable, and its state is not the statement's fault.
  return code === 'SQLITE_ERROR' && !/no such table: (main\.)?ops_|transaction|locked|interrupted/.test(String(message))
}

function isDiskError(code: string): boolean {
  return /^(SQLITE_(CANTOPEN|IOERR|READONLY|PERM|AUTH)|EACCES$|EPERM$|EROFS$|EIO$)/.test(code)
}

function isFull(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail === 0
  } catch {
    return false
  }
}

function isWritable(path: string): boolean {
  try {
    for (const each of [dirname(path), path]) accessSync(each, constants.W_OK)
    return true
  } catch {
    return false
  }
}
