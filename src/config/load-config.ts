import { dirname, isAbsolute, relative } from 'node:path'
import { InvalidConfigurationError } from '../errors.ts'
import type { Config } from './config.ts'
import { findConfig } from './find-config.ts'

export interface LoadedConfig {
  readonly config: Config
  /** Its real path; undefined where the project has none. */
  readonly file: string | undefined
  /** The project: where the file really is, or the working directory. */
  readonly directory: string
}

/**
 * Finds, reads and checks the project file. A project without one has an empty configuration.
 *
 * @throws ConfigurationNotFoundError when `file` or `OPS_CONFIG` names nothing
 * @throws InvalidConfigurationError with every problem of the file at once
 */
export async function loadConfig(options: {
  readonly cwd: string
  /** What `--config` says. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}): Promise<LoadedConfig> {
  const file = findConfig(options)
  if (file === undefined) return { config: {}, file, directory: options.cwd }

  const shown = displayed(file, options.cwd)
  const { readConfigFile } = await import('./read-config-file.ts')
  const value = await readConfigFile(file, shown)

  // Imported here, so that a project without a file does not pay for it.
  const { parseConfig } = await import('./parse-config.ts')
  const { config, problems } = parseConfig(value)
  if (config === undefined) throw new InvalidConfigurationError(shown, problems)
  return { config, file, directory: dirname(file) }
}

function displayed(file: string, cwd: string): string {
  const path = relative(cwd, file)
  return path.startsWith('..') || isAbsolute(path) ? file : path
}
