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
  const there = filesIn(folder)
  if (there.length > 0 && !force) throw new FolderInUseError(folder, there)
  writeFiles(folder, files)
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    throw new CannotWritePluginError(folder, error as Error)
  }
}
