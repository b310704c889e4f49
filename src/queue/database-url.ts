import { resolve } from 'node:path'
import { redactUrl } from '../redact.ts'

/** What the URL of a database says, without opening it. */
export interface DatabaseUrlFacts {
  /** The absolute path of a database that is a file. */
  readonly file: string | undefined
  /** Several machines can use it. False for a file and for a URL that ops does not know. */
  readonly isShared: boolean
  readonly redactedUrl: string
}

/** @param directory the project's, from which the path of a file is relative */
export function databaseUrlFacts(url: string, directory: string): DatabaseUrlFacts {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1]
  return {
    file: path === undefined ? undefined : resolve(directory, path),
    isShared: /^postgres(ql)?:\/\//.test(url) && URL.canParse(url),
    redactedUrl: redactUrl(url),
  }
}

export function databaseFileUrl(path: string): string {
  return `sqlite:${path}`
}
