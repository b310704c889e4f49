import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { TaskError } from '@ops-cli/core'

/**
 * The file that a task names.
 *
 * @param project what a relative path is relative to
 * @param folders where files may be; undefined for everywhere
 * @throws TaskError when it is somewhere else, links followed
 */
export function allowedPath(file: string, project: string, folders: readonly string[] | undefined): string {
  if (file.trim() === '') throw new TaskError('"file" must not be empty')
  const path = resolve(project, file)
  if (folders === undefined) return path
  const real = realOf(path)
  const allowed = folders.map((folder) => realOf(resolve(project, folder)))
  if (allowed.some((folder) => isInside(real, folder))) return path
  throw new TaskError(`${path} is in none of the folders that plugins.transfer.folders allows: ${allowed.join(', ')}`)
}

/** Links followed as far as there is something. */
function realOf(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : join(realOf(parent), basename(path))
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`)
}
