import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../config/config.ts'
import { packageRoot } from '../plugins/find-plugins.ts'

const template = join(packageRoot, 'templates', 'project', 'ops.config.ts')

const MAX_WIDTH = 110

export interface NewConfig {
  readonly name: string
  /** The file that the services were imported from; without one, the example in the template stays. */
  readonly source?: string | undefined
  readonly services: Readonly<Record<string, Service>>
  readonly workerEnvFile?: string | undefined
}

/** The text of a configuration file. */
export function renderConfig({ name, source, services, workerEnvFile }: NewConfig): string {
  const text = readFileSync(template, 'utf8').replace("'__name__'", () => renderValue(name, ''))
  if (source === undefined) return text
  const lines = Object.entries(services).map(
    ([key, service]) => `    ${renderKey(key)}: ${renderValue(service, '    ')},`,
  )
  const worker = workerEnvFile === undefined ? '' : `\n  worker: { envFile: ${renderValue(workerEnvFile, '')} },\n`
  // Imported services replace the examples.
  return text.replace(/( {2}services: \{\n)(?: {4}\/\/.*\n)+( {2}\},\n)/, (_, begin, end) => {
    return `${begin}${lines.join('\n')}\n${end}${worker}`
  })
}

/** A value in TypeScript, on one line if it fits. */
function renderValue(value: unknown, indent: string): string {
  const line = oneLine(value)
  if (indent.length + line.length <= MAX_WIDTH || typeof value !== 'object' || value === null) return line
  const inside = `${indent}  `
  const items = Array.isArray(value)
    ? value.map((item) => `${inside}${renderValue(item, inside)},`)
    : Object.entries(value).map(([key, item]) => `${inside}${renderKey(key)}: ${renderValue(item, inside)},`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return [open, ...items, `${indent}${close}`].join('\n')
}

function renderKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : renderText(key)
}

function oneLine(value: unknown): string {
  if (typeof value === 'string') return renderText(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const items = Object.entries(value).map(([key, item]) => `${renderKey(key)}: ${oneLine(item)}`)
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`
}

function renderText(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}
