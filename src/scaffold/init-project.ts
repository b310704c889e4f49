import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../config/config.ts'
import { configEndings } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { InvalidConfigurationError } from '../errors.ts'
import { serverName } from '../systemd/places.ts'
import { ConfigurationExistsError, NoServicesFoundError } from './adopt-errors.ts'
import { findSource } from './find-source.ts'
import { renderConfig } from './render-config.ts'

export interface InitOptions {
  /** The file to read services from; found in the folder otherwise. */
  readonly from?: string | undefined
  readonly isForced: boolean
}

export interface Initialized {
  /** The configuration that was written, relative to the folder. */
  readonly file: string
  /** Where the services come from, where there was anything. */
  readonly source: string | undefined
  readonly services: readonly string[]
  /** What was taken over otherwise, or not at all, and why. */
  readonly notes: readonly string[]
  /** Whether a line for the state directory was added to .gitignore. */
  readonly isIgnored: boolean
}

/**
 * Writes the configuration of a project, with the services that other tools' files declare.
 *
 * @throws ConfigurationExistsError, SourceUnreadableError, NoServicesFoundError
 */
export async function initProject(folder: string, { from, isForced }: InitOptions): Promise<Initialized> {
  const existing = configEndings.map((ending) => `ops.config.${ending}`).find((file) => existsSync(join(folder, file)))
  if (existing !== undefined && !isForced) throw new ConfigurationExistsError(existing)

  const found = await findSource(folder, from)
  const services = found?.services ?? {}
  const names = Object.keys(services)
  if (from !== undefined && names.length === 0) throw new NoServicesFoundError(from, found?.notes ?? [])

  const workerEnvFile = found?.source.startsWith('Procfile') && existsSync(join(folder, '.env')) ? '.env' : undefined
  const config: Config = {
    name: serverName(basename(folder)),
    services,
    ...(workerEnvFile && { worker: { envFile: workerEnvFile } }),
  }
  const { problems } = parseConfig(config)
  if (problems.length > 0) throw new InvalidConfigurationError(found?.source ?? 'The configuration', problems)

  const file = `ops.config.${isCommonJs(folder) ? 'mts' : 'ts'}`
  // Somebody has written it by hand.
  if (existing !== undefined) renameSync(join(folder, existing), join(folder, `${existing}.old`))
  writeFileSync(
    join(folder, file),
    renderConfig({ name: config.name!, source: found?.source, services, workerEnvFile }),
  )
  return { file, source: found?.source, services: names, notes: found?.notes ?? [], isIgnored: ignoreState(folder) }
}

/** There, Node reads a file that ends in `.ts` as CommonJS. */
function isCommonJs(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type === 'commonjs'
  } catch {
    return false
  }
}

/** The database and logs are not for the repository; the list of plugins and their lock file are. */
const ignored = ['.ops/*', '!.ops/plugins/']

function ignoreState(folder: string): boolean {
  const file = join(folder, '.gitignore')
  const isThere = existsSync(file)
  if (!isThere && !existsSync(join(folder, '.git'))) return false
  const text = isThere ? readFileSync(file, 'utf8') : ''
  if (/^\/?\.ops(\/\*?)?$/m.test(text)) return false
  appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${ignored.join('\n')}\n`)
  return true
}
