import { findEnvironment } from './find-environment.ts'
import { plainRunner } from './runner.ts'
import type { Settings } from './settings.ts'
import { Site } from './site.ts'

/** A look takes no longer, wherever the environment is. */
const PATIENCE_MS = 20_000

/**
 * An environment for a command, which only looks.
 *
 * @throws UnknownEnvironmentError
 */
export function reachSite(name: string, settings: unknown, project: string): Site {
  const environment = findEnvironment(settings as Settings, name)
  const runner = plainRunner(AbortSignal.timeout(PATIENCE_MS))
  return new Site(name, environment, { runner, project, marks: {}, log: () => {} })
}
