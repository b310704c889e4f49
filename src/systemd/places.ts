import { homedir } from 'node:os'
import { join } from 'node:path'

export type Scope = 'system' | 'user'

export interface Places {
  /** Where units are. */
  readonly units: string
  /** Where environment files and the manifest are. */
  readonly settings: string
  /** What `StateDirectory=` comes to. */
  readonly state: string
  readonly cache: string
}

interface Whose {
  readonly project: string
  readonly scope: Scope
  readonly env: NodeJS.ProcessEnv
  /** Of systemd, where it is known. */
  readonly systemdVersion?: number | undefined
}

/** Where what belongs to a project is kept on a server, by file-hierarchy(7). */
export function placesOf({ project, scope, env, systemdVersion }: Whose): Places {
  if (scope === 'system') {
    return {
      units: '/etc/systemd/system',
      settings: join('/etc/ops', project),
      state: join('/var/lib', project),
      cache: join('/var/cache', project),
    }
  }
  const home = env.HOME ?? homedir()
  const configuration = env.XDG_CONFIG_HOME ?? join(home, '.config')
  // Until version 253 a user's StateDirectory= was in the folder for configuration (systemd.exec(5)).
  const state = (systemdVersion ?? 252) >= 254 ? (env.XDG_STATE_HOME ?? join(home, '.local', 'state')) : configuration
  return {
    units: join(configuration, 'systemd', 'user'),
    settings: join(configuration, 'ops-systemd', project),
    state: join(state, project),
    cache: join(env.XDG_CACHE_HOME ?? join(home, '.cache'), project),
  }
}

/** What the units of a project without a name begin with: the name of its folder. */
export function serverName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
  return name === '' ? 'ops' : name
}
