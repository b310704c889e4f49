import { existsSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse as parseEnvFile } from 'dotenv'
import { SourceUnreadableError } from './adopt-errors.ts'
import type { Draft, Surroundings } from './draft.ts'
import { fromCompose } from './from-compose.ts'
import { fromPackageJson } from './from-package-json.ts'
import { fromPm2 } from './from-pm2.ts'
import { fromProcfile } from './from-procfile.ts'

/** What is looked for, the most explicit first. */
const sources = [
  'Procfile.dev',
  'Procfile',
  ...['js', 'cjs', 'mjs'].map((ending) => `ecosystem.config.${ending}`),
  'compose.yaml',
  'compose.yml',
  'docker-compose.yaml',
  'docker-compose.yml',
  'package.json',
]

export interface Found extends Draft {
  /** Relative to the folder. */
  readonly source: string
}

/**
 * The services that a file of a folder declares: the one that is named, or the first that declares any.
 *
 * @throws SourceUnreadableError
 */
export async function findSource(folder: string, named: string | undefined): Promise<Found | undefined> {
  if (named !== undefined) return { source: named, ...(await readSource(folder, named)) }
  for (const source of sources.filter((file) => existsSync(join(folder, file)))) {
    const draft = await readSource(folder, source)
    if (Object.keys(draft.services).length > 0) return { source, ...draft }
  }
  return undefined
}

async function readSource(folder: string, source: string): Promise<Draft> {
  const file = join(folder, source)
  const surroundings: Surroundings = {
    has: (name) => existsSync(join(folder, name)),
    env: existsSync(join(folder, '.env')) ? parseEnvFile(readFileSync(join(folder, '.env'), 'utf8')) : undefined,
  }
  try {
    if (/^\.[cm]?js$/.test(extname(file))) {
      const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
      return fromPm2(module.default ?? module)
    }
    const text = readFileSync(file, 'utf8')
    if (basename(file) === 'package.json') return fromPackageJson(text, surroundings)
    return /\.ya?ml$/.test(file) ? fromCompose(text) : fromProcfile(text, surroundings)
  } catch (error) {
    throw new SourceUnreadableError(source, error as Error)
  }
}
