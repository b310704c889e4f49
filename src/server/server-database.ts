import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'

export interface ServerDatabase {
  /** What units are told: `OPS_DATABASE_URL`. */
  readonly url: string
  /** A file in the project, which is moved to where the units may write. */
  readonly moved: { readonly from: string; readonly to: string } | undefined
  /** A folder outside the project that units have to write to. */
  readonly folder: string | undefined
}

/**
 * Where the database is for the units of a project. One in the project's folder becomes one in the state directory:
 * the project is read-only for its units, and replaced by the next release.
 *
 * @param url as configured
 */
export function serverDatabase(
  url: string,
  places: { readonly directory: string; readonly state: string },
): ServerDatabase {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1]
  if (path === undefined) return { url, moved: undefined, folder: undefined }
  const file = resolve(places.directory, path)
  if (isInside(file, places.state)) return { url: `sqlite:${file}`, moved: undefined, folder: undefined }
  if (!isInside(file, places.directory)) return { url: `sqlite:${file}`, moved: undefined, folder: dirname(file) }
  const to = join(places.state, basename(file))
  return { url: `sqlite:${to}`, moved: { from: file, to }, folder: undefined }
}

export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way)
}
