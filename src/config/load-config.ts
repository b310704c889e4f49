import { realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { exitStatus, InvalidConfigurationError, OpsError } from '../errors.ts'
import { type Config, configEndings } from './config.ts'
import { checkTrusted } from './trusted-path.ts'

export interface LoadedConfig {
  readonly config: Config
  /** Its real path; undefined where the project has none. */
  readonly file: string | undefined
  /** The project: where the file really is, or the working directory. */
  readonly directory: string
}

/**
 * Finds, reads and checks the configuration; it is empty without a file.
 *
 * @throws OpsError CONFIGURATION_NOT_FOUND
 * @throws InvalidConfigurationError with every problem of the file at once
 */
export async function loadConfig(options: ConfigLocation): Promise<LoadedConfig> {
  const file = findConfig(options)
  if (file === undefined) return { config: {}, file, directory: options.cwd }

  const shown = shownPath(file, options.cwd)
  // Imported here, so that a project without a file does not wait for it.
  const [{ readConfigFile }, { parseConfig }] = await Promise.all([
    import('./read-config-file.ts'),
    import('./parse-config.ts'),
  ])
  const { config, problems } = parseConfig(await readConfigFile(file, shown))
  if (config === undefined) throw new InvalidConfigurationError(shown, problems)
  return { config, file, directory: dirname(file) }
}

function shownPath(file: string, cwd: string): string {
  const path = relative(cwd, file)
  return path.startsWith('..') || isAbsolute(path) ? file : path
}

export interface ConfigLocation {
  readonly cwd: string
  /** The value of `--config`. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/**
 * The real path of the configuration: that of `--config`, else of `OPS_CONFIG`, else the nearest one upwards.
 *
 * @throws OpsError CONFIGURATION_NOT_FOUND where the flag or the variable names no file; UNTRUSTED_FOLDER where somebody
 *   else could have written the one that is found
 */
export function findConfig({ cwd, file, env }: ConfigLocation): string | undefined {
  if (file !== undefined) return namedFile(file, '--config', cwd)
  if (env.OPS_CONFIG) return namedFile(env.OPS_CONFIG, 'OPS_CONFIG', cwd)
  const found = searchUpwards(resolve(cwd))
  if (found === undefined) return undefined
  checkTrusted(found, { what: 'configuration', byName: `--config ${found}`, env })
  return realpathSync(found)
}

/** Whether the configuration was named, not found. */
export function isNamed({ file, env }: ConfigLocation): boolean {
  return file !== undefined || Boolean(env.OPS_CONFIG)
}

function namedFile(file: string, source: string, cwd: string): string {
  const path = resolve(cwd, file)
  // A release is often reached through a link such as `current`; the project is where its files really are.
  if (isFile(path)) return realpathSync(path)
  throw new OpsError('CONFIGURATION_NOT_FOUND', `The configuration "${file}" of ${source} does not exist.`, {
    exit: exitStatus.configuration,
    suggestions: [`set ${source} to an ops.config.ts, .mts, .js, .mjs or .json`, 'create one: ops init'],
  })
}

function searchUpwards(directory: string): string | undefined {
  const found = configEndings.map((ending) => join(directory, `ops.config.${ending}`)).find(isFile)
  if (found !== undefined) return found
  const parent = dirname(directory)
  return parent === directory ? undefined : searchUpwards(parent)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
