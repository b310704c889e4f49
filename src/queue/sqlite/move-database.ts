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
 * Moves a database file that nobody has open, onto another disk too. What is moved stays beside it under another name,
 * so that nobody adds a row to a database that no worker looks at, and nothing can be lost.
 *
 * @returns the name under which the old file stays
 * @throws DatabaseUnusableError when somebody has it open, or something is where it should go
 */
export function moveDatabase(from: string, to: string, owner: Owner | undefined): string {
  if (existsSync(to)) {
    throw new DatabaseUnusableError(from, `it should become ${to}, and there is a database already`, {
      suggestions: ['move one of the two away'],
    })
  }
  const users = connectedProcesses(from)?.filter((pid) => pid !== process.pid) ?? []
  if (users.length > 0) throw inUse(from, users)
  const draft = `${to}.moving`
  const kept = `${from}.moved`
  const database = new Database(from, { timeout: 0 })
  try {
    // Whoever comes now has to wait, and then finds no database.
    database.pragma('locking_mode = EXCLUSIVE')
    // Folds the write-ahead log into the file, which from then on is all there is; refused while anybody has it open.
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
    // Nobody can find it now; who had opened it a moment ago waits for the lock, and would write where nobody looks.
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

/** The other processes that have a file open, as far as this user may see. */
function openedBy(path: string): number[] {
  return processIds().filter((pid) => pid !== process.pid && openFiles(pid).includes(path))
}

/**
 * Takes a move back, with every row that was added since.
 *
 * @throws DatabaseUnusableError when somebody has it open
 */
export function returnDatabase(from: string, to: string): void {
  const kept = `${from}.moved`
  const { uid, gid } = statSync(kept)
  const moved = moveDatabase(to, from, { uid, gid })
  // Only now that all of it is back are the two copies one too many.
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
  return new DatabaseUnusableError(path, `${who} has it open, and it can only be moved when nobody does`, {
    suggestions: ['end what uses it, such as ops start-services, then try again'],
  })
}
