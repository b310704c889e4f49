import { homedir } from 'node:os'
import { join } from 'node:path'

export type Scope = 'system' | 'user'

export interface Places {
  /** The folder of unit files. */
  readonly units: string
  /** The folder of environment files and the manifest. */
  readonly settings: string
  /** What `StateDirectory=` resolves to. */
  readonly state: string
  readonly cache: string
}

interface PlacesOptions {
  readonly project: string
  readonly scope: Scope
  readonly env: NodeJS.ProcessEnv
  /** Undefined where systemd was not asked. */
  readonly systemdVersion?: number | undefined
}

/** The folders of a project on a server, by file-hierarchy(7). */
export function placesOf({ project, scope, env, systemdVersion }: PlacesOptions): Places {
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

/** A name for the units of a project, from the name of its folder. */
export function serverName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
  return name === '' ? 'ops' : name
}
