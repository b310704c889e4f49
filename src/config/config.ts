/** Text such as `'30s'`, `'10m'`. */
export type Duration = string

/** When a service counts as ready. One of the four, and how long it may take. */
export interface Ready {
  /** A path on the service's own port, or a whole URL, that answers with a status below 400. */
  readonly http?: string
  /** A TCP port that accepts connections; `true` for the service's own. */
  readonly port?: number | true
  /** A pattern that a line of output matches. */
  readonly log?: string
  /** A command that exits with 0. */
  readonly command?: string | readonly string[]
  readonly timeout?: Duration
}

/** What a unit on the server may do beyond what its hardening lets through. In development nothing is closed. */
export interface Allow {
  /** Folders that it writes to, relative to the project; else only the state directory and the temporary one of its own. */
  readonly writePaths?: readonly string[]
  /** The user that it runs as, if it is not the project's. */
  readonly user?: string
  /** Such as `CAP_NET_BIND_SERVICE`, which a `port` below 1024 brings by itself. */
  readonly capabilities?: readonly string[]
}

/** What only concerns units on a server. */
export interface SystemdConfig {
  /** The user that the units run as; the one named like the project by default. */
  readonly user?: string
  /** The highest exposure by `systemd-analyze security` that is installed: 1.5 for the worker, 2.5 for services. */
  readonly maxExposure?: { readonly worker?: number; readonly services?: number }
}

/** A long-running program of the application. */
export interface Service {
  /** Text for a shell, or an argument list without one. */
  readonly command: string | readonly string[]
  /** Relative to the project. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly envFile?: string | readonly string[]
  /** Given to the service as `PORT`, and checked to be free before it starts. */
  readonly port?: number
  readonly dependsOn?: readonly string[] | Readonly<Record<string, 'started' | 'ready' | 'completed'>>
  readonly ready?: Ready
  readonly restart?: 'always' | 'on-failure' | 'never'
  readonly stopSignal?: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2'
  readonly stopTimeout?: Duration
  readonly instances?: number
  /** Paths, relative to the project, whose change restarts the service in development; `**` and `*` stand for what is below. */
  readonly watch?: readonly string[]
  /** Runs to its end and counts as done when it exits with 0. */
  readonly oneshot?: boolean
  readonly only?: 'development' | 'server'
  /** Openings in the hardening of its unit. */
  readonly allow?: Allow
  /** Secrets by name: files that only root can read, found in `$CREDENTIALS_DIRECTORY` by the service on the server. */
  readonly credentials?: Readonly<Record<string, string>>
}

export interface WorkerConfig {
  readonly instances?: number
  readonly pollInterval?: Duration
  readonly gracePeriod?: Duration
  /** As those of a service: what processors and the configuration itself find in their environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly envFile?: string | readonly string[]
  /** Openings in the hardening of its units, which builds and deployments need. */
  readonly allow?: Allow
  /** As those of a service. */
  readonly credentials?: Readonly<Record<string, string>>
}

/** A task that is added at the times of a cron expression, once each time, however many workers there are. */
export interface ScheduleConfig {
  /** Five fields, minutes first, such as `'0 3 * * *'`; six with seconds in front; or `@daily` and the like. */
  readonly cron: string
  /** Such as `'Europe/Berlin'`; the machine's by default. */
  readonly timeZone?: string
  /** The processor whose task it is. */
  readonly enqueue: string
  /** The task's columns, by their keys in TypeScript. */
  readonly with?: Readonly<Record<string, unknown>>
  /** What happens when no worker was there at the time: one task when one is there again (default), or none. */
  readonly missed?: 'run_once' | 'skip'
}

/** What only concerns a SQLite database. */
export interface SqliteConfig {
  /** Its durability: FULL by default, since a lost "succeeded" would be a second deployment. */
  readonly synchronous?: 'FULL' | 'NORMAL'
}

/** What `ops.config.ts` exports. Every part has a default; an empty object is a valid configuration. */
export interface Config {
  /** Names the project's units and prefixes; the folder's name by default. */
  readonly name?: string
  /** `sqlite:<path>` (relative to the project) or `postgres://…`. `OPS_DATABASE_URL` wins. */
  readonly database?: string
  readonly sqlite?: SqliteConfig
  readonly services?: Readonly<Record<string, Service>>
  readonly worker?: WorkerConfig
  readonly schedules?: Readonly<Record<string, ScheduleConfig>>
  readonly systemd?: SystemdConfig
  /** Settings by the short name of the plugin: `build` for `@ops-cli/plugin-build` and for `ops-plugin-build`. */
  readonly plugins?: Readonly<Record<string, unknown>>
  /**
   * What may be installed or linked as a plugin: names of packages, paths from the project, addresses of repositories;
   * `*` stands for anything. Everything when there is no such list.
   */
  readonly pluginsAllow?: readonly string[]
}

/** Types a configuration; returns it as it is. */
export function defineConfig(config: Config): Config {
  return config
}
