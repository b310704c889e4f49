import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { PlannedFile } from './planned-file.ts'
import { CannotWritePluginError } from './scaffold-errors.ts'

/**
 * Writes planned files below a folder.
 *
 * @throws CannotWritePluginError
 */
export function writeFiles(folder: string, files: readonly PlannedFile[]): void {
  try {
    for (const { path, text } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  } catch (error) {
    throw new CannotWritePluginError(folder, error as Error)
  }
}
