import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { findConfig } from '../config/load-config.ts'

/** Where plugins are kept: a package.json that lists them, its lock file, and node_modules. */
export interface PluginFolder {
  readonly path: string
  /** Whose they are: the project's, the user's, or of whoever set `OPS_DATA_DIR`. */
  readonly scope: 'project' | 'user' | 'environment'
}

/**
 * Inside a project, which is a folder with a configuration, plugins belong to the project, so that its units on a server
 * see the same ones; elsewhere to the user. `OPS_DATA_DIR` wins.
 *
 * @throws ConfigurationNotFoundError when `--config` or `OPS_CONFIG` names nothing
 */
export function findPluginFolder(where: {
  readonly cwd: string
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
}): PluginFolder {
  const { env } = where
  if (env.OPS_DATA_DIR) return { path: env.OPS_DATA_DIR, scope: 'environment' }
  const config = findConfig(where)
  if (config !== undefined) return { path: join(dirname(config), '.ops', 'plugins'), scope: 'project' }
  const home = env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local', 'share')
  return { path: join(home, 'ops'), scope: 'user' }
}
