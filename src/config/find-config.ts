import { realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigurationNotFoundError } from '../errors.ts'

export const configEndings = ['ts', 'mts', 'js', 'mjs', 'json'] as const

interface Where {
  readonly cwd: string
  /** What `--config` says. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}

/** The real path of the project file: what `--config` names, else `OPS_CONFIG`, else the nearest one upwards. */
export function findConfig({ cwd, file, env }: Where): string | undefined {
  if (file !== undefined) return named(file, '--config', cwd)
  if (env.OPS_CONFIG) return named(env.OPS_CONFIG, 'OPS_CONFIG', cwd)
  return upwards(resolve(cwd))
}

function named(file: string, askedBy: string, cwd: string): string {
  const path = resolve(cwd, file)
  if (!isFile(path)) throw new ConfigurationNotFoundError(file, askedBy)
  // A release is often reached through a link such as `current`; the project is where its files really are.
  return realpathSync(path)
}

function upwards(directory: string): string | undefined {
  const found = configEndings.map((ending) => join(directory, `ops.config.${ending}`)).find(isFile)
  if (found !== undefined) return realpathSync(found)
  const parent = dirname(directory)
  return parent === directory ? undefined : upwards(parent)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
