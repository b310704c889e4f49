import type { TaskContext } from '@ops-cli/core'
import { findEnvironment } from './find-environment.ts'
import { plainRunner } from './runner.ts'
import type { Settings } from './settings.ts'
import { Site } from './site.ts'

/** A task that must end is given ten seconds by ops, of which its programs may have used some to end. */
const LAST_STEPS_MS = 7000

/**
 * What is left to do when something went wrong. A task that must end (canceled, timed out, shutdown) can start no
 * programs any more, so the last ones are started beside it, with an end of their own.
 */
export async function inTheEnd<T>(
  site: Site,
  context: TaskContext<Settings>,
  steps: (site: Site) => Promise<T>,
): Promise<T> {
  const { signal, settings, log, env } = context
  if (!signal.aborted) return steps(site)
  const runner = plainRunner(AbortSignal.timeout(LAST_STEPS_MS), log, env)
  const project = env.OPS_PROJECT ?? process.cwd()
  return steps(new Site(site.name, findEnvironment(settings, site.name), { runner, project, marks: env, log }))
}

/** Whether the run may still act: one that was taken away is somebody else's to decide, and its reason has no outcome. */
export function isOurs({ aborted, reason }: AbortSignal): boolean {
  return !aborted || (reason as { outcome?: unknown } | undefined)?.outcome !== undefined
}
