import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../config/config.ts'
import { renderKey, renderValue } from './render-value.ts'

const template = join(import.meta.dirname, '..', '..', 'templates', 'project', 'ops.config.ts')

export interface NewConfig {
  readonly name: string
  /** The file that the services come from; undefined where there was none, and the example in the template stays. */
  readonly source?: string | undefined
  readonly services: Readonly<Record<string, Service>>
  readonly workerEnvFile?: string | undefined
}

/** The text of a configuration's file. */
export function renderConfig({ name, source, services, workerEnvFile }: NewConfig): string {
  const text = readFileSync(template, 'utf8').replace("'__name__'", () => renderValue(name, ''))
  if (source === undefined) return text
  const lines = Object.entries(services).map(
    ([key, service]) => `    ${renderKey(key)}: ${renderValue(service, '    ')},`,
  )
  const worker = workerEnvFile === undefined ? '' : `\n  worker: { envFile: ${renderValue(workerEnvFile, '')} },\n`
  // The examples in the template are not for those who have services.
  return text.replace(/( {2}services: \{\n)(?: {4}\/\/.*\n)+( {2}\},\n)/, (_, begin, end) => {
    return `${begin}${lines.join('\n')}\n${end}${worker}`
  })
}
