import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { redactUrl, TaskError } from '@ops-cli/core'

/** The repository of a task. */
export interface Repository {
  /** As written in the task, without the password of a URL. For people. */
  readonly shown: string
  /** The URL or path for git, without the password: others see the arguments of a program. */
  readonly url: string
  /** What git gets through its environment instead. */
  readonly credential: { readonly origin: string; readonly username: string; readonly password: string } | undefined
  /** Its folder, if it is on this machine. */
  readonly path: string | undefined
  /** Readable and unique, for file names. */
  readonly slug: string
  /** The last part of its path, as a file name. */
  readonly name: string
}

/**
 * Parses a repository: any URL that git supports, `host:path` for ssh, or a path on this machine.
 *
 * @param project the folder that relative paths are relative to
 * @throws TaskError when it is empty, looks like an option, or is a path that does not exist
 */
export function parseRepository(text: string, project: string): Repository {
  if (text.trim() === '') throw invalid(text, 'it is empty')
  if (text.startsWith('-')) throw invalid(text, 'git would read it as an option')
  const path = pathOf(text, project)
  if (path !== undefined && !existsSync(path)) throw unreadable(redactUrl(text), `${path} does not exist`)
  const shown = redactUrl(text)
  const credential = path === undefined ? credentialOf(text) : undefined
  const url = path !== undefined && !text.startsWith('file:') ? path : shown
  const name = nameOf(path ?? shown)
  return { shown, url, credential, path, name, slug: `${name}-${digest(url)}` }
}

/** @throws TaskError where git and a browser would disagree about where the password ends */
function credentialOf(text: string): Repository['credential'] {
  const shown = redactUrl(text)
  if (shown === text || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined
  if (!text.includes('@')) throw invalid(text, 'git has no use for a secret in the query')
  const [, user, password = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^:@/?#]*)(?::([^@/?#]*))?@[^@]*$/i.exec(text) ?? []
  if (user === undefined || !URL.canParse(text))
    throw invalid(text, 'characters such as "/", "@" and "#" in a password must be percent-encoded')
  const { protocol, host } = new URL(text)
  try {
    return {
      origin: `${protocol}//${host}`,
      username: decodeURIComponent(user),
      password: decodeURIComponent(password),
    }
  } catch {
    throw invalid(text, '"%" in a password must be percent-encoded')
  }
}

export function unreadable(repository: string, complaint: string): TaskError {
  return new TaskError(`cannot read repository "${repository}": ${complaint}`)
}

function invalid(repository: string, problem: string): TaskError {
  return new TaskError(`invalid repository "${redactUrl(repository)}": ${problem}; expected a git URL or a path`)
}

/** On the command line, an existing path is relative to the current folder; a task's `repository` is relative to the project. */
export function resolveTypedRepository(typed: string): string {
  const isPath = !typed.startsWith('-') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)
  return isPath && existsSync(typed) ? resolve(typed) : typed
}

function pathOf(text: string, project: string): string | undefined {
  if (text.startsWith('file://')) return decodedPath(text)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined
  const path = resolve(project, text)
  // git's own rule: a colon before the first slash follows a host, unless the path exists.
  return /^[^/]*:/.test(text) && !existsSync(path) ? undefined : path
}

function decodedPath(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw invalid(url, (cause as Error).message)
  }
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
