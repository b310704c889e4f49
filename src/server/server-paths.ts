import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import type { Project } from '../project/open-project.ts'
import { serverName } from '../systemd/places.ts'

/** How ops was started, as far as it tells the name of the project's folder. */
export interface StartOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** `--config`, as it was written. */
  readonly configFlag: string | undefined
}

/** The prefix of the units of a project. */
export function projectName(project: Project, options: StartOptions): string {
  return project.config.name ?? serverName(basename(stableFolder(project, options)))
}

/**
 * The project's folder by the name that it was started with: a release is reached through a link such as `current`,
 * which stays when the release goes. sudo does not keep the name that the shell used, so `current` is also looked for
 * where deployments put it.
 */
export function stableFolder(
  { directory }: Pick<Project, 'directory'>,
  { cwd, env, configFlag }: StartOptions,
): string {
  const here = env.PWD !== undefined && isSame(env.PWD, cwd) ? env.PWD : cwd
  const named = configFlag ?? env.OPS_CONFIG
  const candidates = named === undefined ? withParents(here) : [dirname(resolve(here, named))]
  const folder = candidates.find((candidate) => isSame(candidate, directory))
  if (folder !== undefined && folder !== directory) return folder
  const current = join(dirname(dirname(directory)), 'current')
  return isSame(current, directory) ? current : directory
}

/** A path below the project, such as that of ops in its node_modules, below the stable name of the folder. */
export function stablePath(path: string, { directory }: Pick<Project, 'directory'>, folder: string): string {
  if (path === directory) return folder
  return isInside(path, directory) ? join(folder, relative(directory, path)) : path
}

export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way)
}

export function isInHome(path: string): boolean {
  return /^\/(home|root|run\/user)\//.test(path)
}

/** The outermost of the paths that are in a home. */
export function pathsInHomes(paths: readonly string[]): string[] {
  const inHome = [...new Set(paths.filter((path) => isInHome(path) && existsSync(path)))].sort()
  return inHome.filter((path) => !inHome.some((other) => isInside(path, other)))
}

function withParents(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...withParents(parent)]
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}
