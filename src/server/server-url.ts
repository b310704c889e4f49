import { join } from 'node:path'
import { redactUrl } from '../redact.ts'
import { urlIn } from '../systemd/installed-state.ts'
import type { Manifest } from '../systemd/manifest.ts'
import { UrlUnreadableError } from '../systemd/systemd-errors.ts'

export interface ServerUrl {
  readonly url: string
  /** It came from the environment of an installation, this one or an earlier one, and is in no configuration. */
  readonly isGiven: boolean
}

/**
 * Which database the units are to work on. One that was given by `OPS_DATABASE_URL` stays until another is given: the
 * next installation, from a shell without it, must not bring the server back to the database of development.
 *
 * @throws UrlUnreadableError
 */
export function serverUrl(
  { env, configured }: { env: NodeJS.ProcessEnv; configured: string | undefined },
  { manifest, settings }: { manifest: Manifest | undefined; settings: string },
): ServerUrl {
  if (env.OPS_DATABASE_URL) return { url: env.OPS_DATABASE_URL, isGiven: true }
  if (manifest?.databaseGiven) {
    const file = join(settings, 'worker.env')
    const url = urlIn(file)
    if (url === undefined) throw new UrlUnreadableError(file)
    return { url, isGiven: true }
  }
  return { url: configured ?? 'sqlite:.ops/ops.db', isGiven: false }
}

/** A sentence where the units would leave the database that they work on. */
export function changeOfDatabase(settings: string, url: string): string | undefined {
  const before = urlIn(join(settings, 'worker.env'))
  if (before === undefined || before === url) return undefined
  return `The units work on ${redactUrl(before)} now, and would work on ${redactUrl(url)} then.`
}
