import { existsSync, readdirSync } from 'node:fs'
import type { PlannedFile } from './planned-file.ts'
import { CannotWritePluginError, FolderInUseError } from './scaffold-errors.ts'
import { writeFiles } from './write-files.ts'

/**
 * Writes a new plugin. What is in its folder already stays as it is, unless it is to be written over.
 *
 * @throws FolderInUseError, CannotWritePluginError
 */
export function writePlugin(folder: string, files: readonly PlannedFile[], { force }: { force: boolean }): void {
  if (!force) needEmptyFolder(folder)
  writeFiles(folder, files)
}

/** @throws FolderInUseError */
export function needEmptyFolder(folder: string): void {
  const there = filesIn(folder)
  if (there.length > 0) throw new FolderInUseError(folder, there)
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    throw new CannotWritePluginError(folder, error as Error)
  }
}
