import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidRepositoryError, RepositoryUnreadableError } from './errors.ts'

/** Where a task's repository is. */
export interface Repository {
  /** As the task has it, without the password of a URL. For people. */
  readonly shown: string
  /** What git is given. */
  readonly url: string
  /** The folder, where the repository is on this machine. */
  readonly path: string | undefined
  /** For file names: readable, and unlike that of any other repository. */
  readonly slug: string
  /** The last part of its path. */
  readonly name: string
}

/**
 * Understands what a task names: a URL of any kind git takes, `host:path` as ssh has it, or a path on this machine.
 *
 * @param project what a relative path is relative to
 * @throws InvalidRepositoryError when it is empty or could be read as an option
 * @throws RepositoryUnreadableError when it is a path and nothing is there
 */
export function locateRepository(text: string, project: string): Repository {
  if (text.trim() === '') throw new InvalidRepositoryError(text, 'it is empty')
  if (text.startsWith('-'))
    throw new InvalidRepositoryError(text, 'it begins with "-", which git would read as an option')
  const path = pathOf(text, project)
  if (path !== undefined && !existsSync(path)) throw new RepositoryUnreadableError(text, `${path} does not exist`)
  const url = text.startsWith('file:') || path === undefined ? text : path
  const shown = withoutPassword(text)
  const name = nameOf(path ?? shown)
  return { shown, url, path, name, slug: `${name}-${digest(withoutPassword(url))}` }
}

/** A repository as a person types it: a path that is there is meant from where the person is, not from the project. */
export function fromWorkingDirectory(typed: string): string {
  const isPath = !typed.startsWith('-') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)
  return isPath && existsSync(typed) ? resolve(typed) : typed
}

function pathOf(text: string, project: string): string | undefined {
  if (text.startsWith('file://')) return decodedPath(text)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined
  const path = resolve(project, text)
  // git's own rule: with a colon before the first slash it is a host, unless there is such a path.
  return /^[^/]*:/.test(text) && !existsSync(path) ? undefined : path
}

function decodedPath(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw new InvalidRepositoryError(url, (cause as Error).message)
  }
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/@]*)@/i, (whole, scheme: string, user: string) =>
    user.includes(':') || scheme.startsWith('http') ? scheme : whole,
  )
}

function nameOf(location: string): string {
  const last = basename(
    location
      .replace(/[/:]+$/, '')
      .replace(/\/?\.git$/, '')
      .replaceAll(':', '/'),
  )
  return (
    last
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 40) || 'repository'
  )
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
