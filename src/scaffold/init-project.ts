import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../config/config.ts'
import { configEndings } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { InvalidConfigurationError, OpsError } from '../errors.ts'
import { serverName } from '../systemd/places.ts'
import { findServices } from './find-services.ts'
import { renderConfig } from './render-config.ts'

export interface InitOptions {
  /** The file to import services from; default: detected. */
  readonly from?: string | undefined
  readonly isForced: boolean
}

export interface InitializedProject {
  /** The configuration file, relative to the folder. */
  readonly file: string
  /** The file that services were imported from, if any. */
  readonly source: string | undefined
  readonly services: readonly string[]
  /** What was changed or left out, and why. */
  readonly notes: readonly string[]
  /** Whether a line for the state directory was added to .gitignore. */
  readonly isIgnored: boolean
}

/**
 * Creates the configuration of a project, with services imported from the file of another tool.
 *
 * @throws OpsError with the code CONFIGURATION_EXISTS, SOURCE_UNREADABLE or NO_SERVICES_FOUND
 */
export async function initProject(folder: string, { from, isForced }: InitOptions): Promise<InitializedProject> {
  const existing = configEndings.map((ending) => `ops.config.${ending}`).find((file) => existsSync(join(folder, file)))
  if (existing !== undefined && !isForced)
    throw new OpsError('CONFIGURATION_EXISTS', `${existing} already exists.`, {
      suggestions: ['replace it: ops init --force'],
    })

  const found = await findServices(folder, from)
  const services = found?.services ?? {}
  const names = Object.keys(services)
  if (from !== undefined && names.length === 0) throw noServices(from, found?.notes ?? [])

  const workerEnvFile = found?.source.startsWith('Procfile') && existsSync(join(folder, '.env')) ? '.env' : undefined
  const config: Config = {
    name: serverName(basename(folder)),
    services,
    ...(workerEnvFile && { worker: { envFile: workerEnvFile } }),
  }
  const { problems } = parseConfig(config)
  if (problems.length > 0) throw new InvalidConfigurationError(found?.source ?? 'The configuration', problems)

  const file = `ops.config.${isCommonJs(folder) ? 'mts' : 'ts'}`
  // It was written by hand.
  if (existing !== undefined) renameSync(join(folder, existing), join(folder, `${existing}.old`))
  writeFileSync(
    join(folder, file),
    renderConfig({ name: config.name!, source: found?.source, services, workerEnvFile }),
  )
  return { file, source: found?.source, services: names, notes: found?.notes ?? [], isIgnored: ignoreState(folder) }
}

/** Whether Node reads a `.ts` file there as CommonJS. */
function isCommonJs(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type === 'commonjs'
  } catch {
    return false
  }
}

/** The list of plugins and their lock file belong in the repository; the database and logs do not. */
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

function noServices(source: string, notes: readonly string[]): OpsError {
  return new OpsError('NO_SERVICES_FOUND', [`${source} declares no service that ops can run.`, ...notes].join('\n'), {
    suggestions: ['import another file: ops init --from <file>', 'start with an example: ops init in an empty folder'],
  })
}
