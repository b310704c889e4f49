import { basename, dirname, join } from 'node:path'
import { OpsError, type Problem } from '../errors.ts'
import { databaseFileUrl, databaseUrlFacts } from '../queue/database-url.ts'
import { readDatabaseUrl } from '../systemd/environment-file.ts'
import type { Manifest } from '../systemd/manifest.ts'
import { isInside } from './server-paths.ts'
import { installWarning } from './server-problems.ts'

export interface ServerDatabase {
  /** `OPS_DATABASE_URL` of the units. */
  readonly url: string
  /** The URL comes from the environment of an installation, this one or an earlier one, and is in no configuration. */
  readonly isGiven: boolean
  /** A file in the project, which moves to where the units may write. */
  readonly moved: { readonly from: string; readonly to: string } | undefined
  /** A folder outside the project that units have to write to. */
  readonly folder: string | undefined
}

interface DatabaseOptions {
  readonly env: NodeJS.ProcessEnv
  readonly configured: string | undefined
  readonly manifest: Manifest | undefined
  readonly directory: string
  readonly places: { readonly settings: string; readonly state: string }
}

/**
 * The database of the units. A file in the project's folder moves to the state directory: the project is read-only for
 * its units, and replaced by the next release.
 *
 * @throws OpsError `URL_UNREADABLE`
 */
export function serverDatabase(options: DatabaseOptions): ServerDatabase {
  const { url, isGiven } = databaseUrl(options)
  const { directory, places } = options
  const { file } = databaseUrlFacts(url, directory)
  if (file === undefined) return { url, isGiven, moved: undefined, folder: undefined }
  const inPlace = { url: databaseFileUrl(file), isGiven, moved: undefined, folder: undefined }
  if (isInside(file, places.state)) return inPlace
  if (!isInside(file, directory)) return { ...inPlace, folder: dirname(file) }
  const to = join(places.state, basename(file))
  return { ...inPlace, url: databaseFileUrl(to), moved: { from: file, to } }
}

/**
 * A URL from `OPS_DATABASE_URL` stays until another is given: the next installation, from a shell without it, must not
 * return the server to the database of development.
 */
function databaseUrl({ env, configured, manifest, places }: DatabaseOptions) {
  if (env.OPS_DATABASE_URL) return { url: env.OPS_DATABASE_URL, isGiven: true }
  if (!manifest?.databaseGiven) return { url: configured ?? 'sqlite:.ops/ops.db', isGiven: false }
  const url = readDatabaseUrl(places.settings)
  if (url !== undefined) return { url, isGiven: true }
  throw new OpsError('URL_UNREADABLE', `This user cannot read the database URL in ${places.settings}/worker.env.`, {
    suggestions: ['run the command as root, with sudo', 'pass the URL: OPS_DATABASE_URL=…'],
  })
}

/** A warning if the units would leave the database that they use now. */
export function databaseChange(settings: string, url: string): Problem[] {
  const before = readDatabaseUrl(settings)
  if (before === undefined || before === url) return []
  const [from, to] = [before, url].map((one) => databaseUrlFacts(one, '/').redactedUrl)
  return [installWarning('DATABASE_CHANGES', 'database', `The units use ${from} now and would use ${to}.`)]
}
