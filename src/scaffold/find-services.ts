import { existsSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse as parseEnvFile } from 'dotenv'
import { OpsError } from '../errors.ts'
import { formatSystemError } from '../format.ts'
import { fromCompose } from './from-compose.ts'
import { fromPackageJson } from './from-package-json.ts'
import { fromPm2 } from './from-pm2.ts'
import { fromProcfile } from './from-procfile.ts'
import type { ImportedServices, SourceFolder } from './service-draft.ts'

/** In order of preference, the most explicit first. */
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

export interface FoundServices extends ImportedServices {
  /** Relative to the folder. */
  readonly source: string
}

/**
 * Imports services from the named file, or from the first file in a folder that declares any.
 *
 * @throws OpsError with the code SOURCE_UNREADABLE
 */
export async function findServices(folder: string, named: string | undefined): Promise<FoundServices | undefined> {
  if (named !== undefined) return { source: named, ...(await readSource(folder, named)) }
  for (const source of sources.filter((file) => existsSync(join(folder, file)))) {
    const imported = await readSource(folder, source)
    if (Object.keys(imported.services).length > 0) return { source, ...imported }
  }
  return undefined
}

async function readSource(folder: string, source: string): Promise<ImportedServices> {
  const file = join(folder, source)
  const sourceFolder: SourceFolder = {
    has: (name) => existsSync(join(folder, name)),
    env: existsSync(join(folder, '.env')) ? parseEnvFile(readFileSync(join(folder, '.env'), 'utf8')) : undefined,
  }
  try {
    if (/^\.[cm]?js$/.test(extname(file))) {
      const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
      return fromPm2(module.default ?? module)
    }
    const text = readFileSync(file, 'utf8')
    if (basename(file) === 'package.json') return fromPackageJson(text, sourceFolder)
    return /\.ya?ml$/.test(file) ? fromCompose(text) : fromProcfile(text, sourceFolder)
  } catch (error) {
    const [why] = formatSystemError(error).split('\n')
    throw new OpsError('SOURCE_UNREADABLE', `Cannot read ${source}: ${why}.`, {
      cause: error,
      suggestions: ['fix the file, or import another: ops init --from <file>'],
    })
  }
}
