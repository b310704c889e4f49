import { accessSync, constants, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseUnusableError } from '../../errors.ts'
import { formatCommand } from '../../format.ts'

/** What SQLite or the system says, as an operator can act on it; any other error as it is. */
export function asUnusable(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  // SQLite calls it an I/O error when it is the shared memory that finds no room.
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || (isOfTheDisk(code) && isFull(path))) {
    return unusable('the disk is full', [`make room on the disk of ${dirname(path)}, then try again`])
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return unusable(`it is damaged: ${message}`, [
      'put a backup in its place, and take away the -wal and -shm files that are beside it now',
      `or save what can be read: ${formatCommand('sqlite3', path, '.recover')}`,
    ])
  }
  if (isOfTheDisk(code)) {
    return unusable(isWritable(path) ? message : `it cannot be written here: ${message}`, [
      `see that ${dirname(path)} is on a local disk, and that this user may write to it and to all files in it`,
    ])
  }
  return error

  function unusable(problem: string, suggestions: readonly string[]): DatabaseUnusableError {
    return new DatabaseUnusableError(path, problem, { cause: error, suggestions })
  }
}

function isOfTheDisk(code: string): boolean {
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
