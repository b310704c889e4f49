import { closeSync, mkdirSync, openSync } from 'node:fs'

/** The mode of folders with state: rows, logs and artifacts can contain secrets. */
const FOLDER_MODE = 0o700

const FILE_MODE = 0o600

/** Creates a folder, and missing ones above it, that only this user can use. An existing one stays as it is. */
export function createPrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE })
}

/**
 * Creates an empty file that only this user can use, for a library that would create it for everyone. SQLite gives its
 * other files the permissions of the database. An existing one is not even opened: closing it would free this process's
 * own locks.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
