import type { TaskContext } from '@ops-cli/core'
import { findEnvironment } from './find-environment.ts'
import { taskRunner } from './runner.ts'
import type { Settings } from './settings.ts'
import { Site } from './site.ts'

/** The environment that a task is about. @throws UnknownEnvironmentError */
export function openSite(name: string, context: TaskContext<Settings>): Site {
  const { settings, env, log } = context
  const project = env.OPS_PROJECT ?? process.cwd()
  return new Site(name, findEnvironment(settings, name), { runner: taskRunner(context), project, marks: env, log })
}
