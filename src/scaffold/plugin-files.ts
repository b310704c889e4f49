import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exitStatus, OpsError } from '../errors.ts'
import { fillTemplate, type TemplateValues } from '../fill-template.ts'
import { formatSystemError } from '../format.ts'
import { packageRoot } from '../plugins/find-plugins.ts'

/** A file to write. */
export interface PlannedFile {
  /** Relative to the plugin. */
  readonly path: string
  readonly text: string
}

/** npm does not pack a file named .gitignore, but reads it. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

/** All files of a template folder, filled in. */
export function fillTemplateFolder(name: string, values: TemplateValues): PlannedFile[] {
  const folder = join(packageRoot, 'templates', name)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file).slice(folder.length + 1))
    .sort()
    .map((path) => ({
      path: fillTemplate(renamed[path] ?? path, values),
      text: fillTemplate(readFileSync(join(folder, path), 'utf8'), values),
    }))
}

/** @throws OpsError with the code CANNOT_WRITE_PLUGIN */
export function writeFiles(folder: string, files: readonly PlannedFile[]): void {
  try {
    for (const { path, text } of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  } catch (error) {
    throw cannotWrite(folder, error as Error)
  }
}

/** @throws OpsError with the code FOLDER_IN_USE or CANNOT_WRITE_PLUGIN */
export function requireEmptyFolder(folder: string): void {
  const files = filesIn(folder)
  if (files.length === 0) return
  const shown = files.length > 3 ? `${files.slice(0, 3).join(', ')} and more` : files.join(', ')
  throw new OpsError('FOLDER_IN_USE', `${folder} is not empty (${shown}). Nothing was written.`, {
    exit: exitStatus.usage,
    suggestions: ['use another name, or another folder: --dir <folder>', 'overwrite existing files: --force'],
  })
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    throw cannotWrite(folder, error as Error)
  }
}

function cannotWrite(folder: string, cause: Error): OpsError {
  return new OpsError('CANNOT_WRITE_PLUGIN', `Cannot write the plugin to ${folder}: ${formatSystemError(cause)}.`, {
    cause,
    suggestions: ['use a folder that you can write to: --dir <folder>'],
  })
}
