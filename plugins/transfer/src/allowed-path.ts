import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { TaskError } from '@ops-cli/core'

/** What ops or Node would execute, or reads as its own. */
const EXECUTED = /^(ops\.config\..*|package\.json|node_modules|\..*|.*\.([cm]?[jt]sx?|node|json|sh|service|env))$/i

/**
 * The absolute path of a task's file, with no link in it below the allowed folder.
 *
 * @param folders the allowed folders
 * @throws TaskError when the file is in none of them, links followed
 */
export function allowedPath(file: string, project: string, folders: readonly string[]): string {
  if (file.trim() === '') throw new TaskError('"file" must not be empty')
  const path = realPath(resolve(project, file))
  const allowed = folders.map((folder) => realPath(resolve(project, folder)))
  const folder = allowed.find((one) => isInside(path, one))
  if (folder !== undefined) {
    requireData(relative(folder, path), path)
    return path
  }
  const list =
    allowed.length > 0 ? `: ${allowed.join(', ')}` : ', which is empty: plugins: { transfer: { folders: ["…"] } }'
  throw new TaskError(`${path} is outside of the folders in plugins.transfer.folders${list}`, { isFinal: true })
}

function requireData(way: string, path: string): void {
  const name = way.split(sep).find((part) => EXECUTED.test(part))
  if (name === undefined) return
  throw new TaskError(`${path} is not used: "${name}" is a name of programs, settings or hidden files`, {
    isFinal: true,
  })
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
