import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { TaskError } from '@ops-cli/core'

/**
 * The absolute path of a task's file.
 *
 * @param folders the allowed folders; undefined for all
 * @throws TaskError when the file is in none of them, links followed
 */
export function allowedPath(file: string, project: string, folders: readonly string[] | undefined): string {
  if (file.trim() === '') throw new TaskError('"file" must not be empty')
  const path = resolve(project, file)
  if (folders === undefined) return path
  const real = realPath(path)
  const allowed = folders.map((folder) => realPath(resolve(project, folder)))
  if (allowed.some((folder) => isInside(real, folder))) return path
  throw new TaskError(`${path} is outside of the folders in plugins.transfer.folders: ${allowed.join(', ')}`)
}

/** Follows links as far as the path exists. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const parent = dirname(path)
  return parent === path ? path : join(realPath(parent), basename(path))
}

function isInside(path: string, folder: string): boolean {
  const rest = relative(folder, path)
  return rest !== '' && rest !== '..' && !rest.startsWith(`..${sep}`)
}
