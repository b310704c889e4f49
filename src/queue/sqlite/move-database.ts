import {
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import Database from 'better-sqlite3'
import { DatabaseUnusableError } from '../../errors.ts'
import { openFiles, processIds } from '../../platform/proc.ts'
import { connectedProcesses } from './connected-processes.ts'
import { isBusy } from './open-database.ts'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Moves a database file that no process has open, to another disk too. The original is kept under another name: no
 * program writes to a database that no worker reads, and nothing is lost.
 *
 * @returns the path of the original
 * @throws DatabaseUnusableError if a process has it open, or the target exists
 */
export function moveDatabase(from: string, to: string, owner: Owner | undefined): string {
  if (existsSync(to)) {
    throw new DatabaseUnusableError(from, `it cannot be moved to ${to}, which already exists`, {
      suggestions: ['move or remove one of the two'],
    })
  }
  const users = connectedProcesses(from)?.filter((pid) => pid !== process.pid) ?? []
  if (users.length > 0) throw inUse(from, users)
  const draft = `${to}.moving`
  const kept = `${from}.moved`
  const database = new Database(from, { timeout: 0 })
  try {
    // A process that opens it now waits, and then finds no database.
    database.pragma('locking_mode = EXCLUSIVE')
    // Merges the write-ahead log into the file, so that the file is complete; refused while any process has it open.
    const mode = database.pragma('journal_mode = DELETE', { simple: true })
    database.exec('begin exclusive')
    if (mode !== 'delete') throw inUse(from, connectedProcesses(from) ?? [])
    copyFileSync(from, draft)
    const copy = openSync(draft, 'r+')
    fsyncSync(copy)
    closeSync(copy)
    requireSound(draft)
    if (owner !== undefined) chownSync(draft, owner.uid, owner.gid)
    renameSync(from, kept)
    // No process can open it now, but one that opened it a moment ago waits for the lock and would write to the old file.
    const late = openedBy(kept)
    if (late.length > 0) {
      renameSync(kept, from)
      throw inUse(from, late)
    }
    renameSync(draft, to)
    return kept
  } catch (error) {
    rmSync(draft, { force: true })
    if (isBusy(error)) throw inUse(from, connectedProcesses(from) ?? [])
    throw error
  } finally {
    database.close()
  }
}

/** The other processes that have a file open, as far as this user can see. */
function openedBy(path: string): number[] {
  return processIds().filter((pid) => pid !== process.pid && openFiles(pid).includes(path))
}

/**
 * Moves the database back, with every row that was added since.
 *
 * @throws DatabaseUnusableError if a process has it open
 */
export function returnDatabase(from: string, to: string): void {
  const kept = `${from}.moved`
  const { uid, gid } = statSync(kept)
  const moved = moveDatabase(to, from, { uid, gid })
  // Only now that the move is complete can the copies go.
  for (const path of [moved, kept]) rmSync(path, { force: true })
}

function requireSound(path: string): void {
  const copy = new Database(path, { readonly: true })
  try {
    const found = copy.pragma('quick_check', { simple: true })
    if (found !== 'ok') throw new DatabaseUnusableError(path, String(found), { suggestions: ['restore a backup'] })
  } finally {
    copy.close()
  }
}

function inUse(path: string, pids: readonly number[]): DatabaseUnusableError {
  const who =
    pids.length === 0 ? 'a program' : pids.length === 1 ? `process ${pids[0]}` : `processes ${pids.join(', ')}`
  return new DatabaseUnusableError(path, `it is in use by ${who} and cannot be moved`, {
    suggestions: ['stop the programs that use it, such as ops start-services, then try again'],
  })
}
