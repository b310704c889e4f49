import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Project } from '../project/open-project.ts'
import { serverName } from '../systemd/places.ts'
import { isInside } from './server-database.ts'

/** How ops was called, as far as it says by which name the project's folder is known. */
export interface Called {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** `--config`, as it was written. */
  readonly configFlag: string | undefined
}

/** What the units of a project begin with. */
export function projectName(project: Project, called: Called): string {
  return project.config.name ?? serverName(basename(nameOfFolder(project, called)))
}

/**
 * The folder as whoever is here calls it: a release is reached through a link such as `current`, which stays when the
 * release goes. sudo forgets the name by which a shell came, so `current` is also looked for where deployments put it.
 */
export function nameOfFolder({ directory }: Pick<Project, 'directory'>, { cwd, env, configFlag }: Called): string {
  const here = env.PWD !== undefined && isSame(env.PWD, cwd) ? env.PWD : cwd
  const named = configFlag ?? env.OPS_CONFIG
  const candidates = named === undefined ? upwards(here) : [dirname(resolve(here, named))]
  const called = candidates.find((candidate) => isSame(candidate, directory))
  if (called !== undefined && called !== directory) return called
  const current = join(dirname(dirname(directory)), 'current')
  return isSame(current, directory) ? current : directory
}

/** A path below the project, such as that of an ops in its node_modules, by the name of the project that stays. */
export function throughName(path: string, { directory }: Pick<Project, 'directory'>, name: string): string {
  if (path === directory) return name
  return isInside(path, directory) ? join(name, relative(directory, path)) : path
}

export function isInHome(path: string): boolean {
  return /^\/(home|root|run\/user)\//.test(path)
}

/** The outermost of the paths that are in somebody's home. */
export function pathsInHomes(paths: readonly string[]): string[] {
  const inHome = [...new Set(paths.filter((path) => isInHome(path) && existsSync(path)))].sort()
  return inHome.filter((path) => !inHome.some((other) => isInside(path, other)))
}

function upwards(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}
