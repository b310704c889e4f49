import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fillTemplate, type TemplateValues } from '../fill-template.ts'
import { opsRoot } from './developed-with.ts'
import type { PlannedFile } from './planned-file.ts'

const templates = join(opsRoot, 'templates')

/** npm packs no file of this name, and would read one. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

/** All files of a template folder, filled in, under the names that they get. */
export function fillTemplateFolder(name: string, values: TemplateValues): PlannedFile[] {
  const folder = join(templates, name)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file).slice(folder.length + 1))
    .sort()
    .map((path) => ({
      path: fillTemplate(renamed[path] ?? path, values),
      text: fillTemplate(readFileSync(join(folder, path), 'utf8'), values),
    }))
}
