import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { opsRoot } from './developed-with.ts'
import type { PlannedFile } from './planned-file.ts'

/**
 * What is put into the places of a template, `__name__`. A place that is alone on its line takes several lines, and a
 * line with a place for which there is nothing is left out.
 */
export type Values = Readonly<Record<string, string | readonly string[] | undefined>>

const templates = join(opsRoot, 'templates')

/** npm packs no file of this name, and would read one. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

/** All files of a template, filled, under the names with which they land. */
export function fillTemplate(name: string, values: Values): PlannedFile[] {
  const folder = join(templates, name)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file).slice(folder.length + 1))
    .sort()
    .map((path) => ({
      path: fillText(renamed[path] ?? path, values),
      text: fillText(readFileSync(join(folder, path), 'utf8'), values),
    }))
}

export function fillText(text: string, values: Values): string {
  return text
    .split('\n')
    .flatMap((line) => fillLine(line, values))
    .join('\n')
}

function fillLine(line: string, values: Values): string[] {
  const alone = /^(\s*)__(\w+?)__,?$/.exec(line)
  if (alone) return [filling(alone[2]!, values) ?? []].flat().map((one) => `${alone[1]}${one}`)
  const places = [...line.matchAll(/__(\w+?)__/g)].map(([, name]) => filling(name!, values))
  if (places.includes(undefined)) return []
  return [line.replaceAll(/__(\w+?)__/g, () => String(places.shift()))]
}

function filling(place: string, values: Values): string | readonly string[] | undefined {
  if (!Object.hasOwn(values, place)) throw new Error(`a template has the place "${place}", which nothing fills`)
  return values[place]
}
