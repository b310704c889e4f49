/** The endings of `ops.config.*`, in the order in which they are searched. */
export const configEndings = ['ts', 'mts', 'js', 'mjs', 'json'] as const

/** Text such as `'30s'`, `'10m'`. */
export type Duration = string

/** When a service is ready: one of the four checks, and how long it may take. */
export interface Ready {
  /** A path on the service's own port, or a whole URL, that answers with a status below 400. */
  readonly http?: string
  /** A TCP port that accepts connections; `true` for the service's own. */
  readonly port?: number | true
  /** A regular expression that a line of output matches. */
  readonly log?: string
  /** A command that exits with 0. */
  readonly command?: string | readonly string[]
  readonly timeout?: Duration
}

/** Exceptions from the hardening of a unit on a server. In development nothing is restricted. */
export interface Allow {
  /** Folders that it may write to, relative to the project, beside the state directory and its own temporary one. */
  readonly writePaths?: readonly string[]
  /** The user that it runs as; the project's by default. */
  readonly user?: string
  /** Such as `CAP_CHOWN`. A `port` below 1024 adds `CAP_NET_BIND_SERVICE`. */
  readonly capabilities?: readonly string[]
}

/** Settings of units on a server. */
export interface SystemdConfig {
  /** The user that the units run as; by default the one with the name of the project. */
  readonly user?: string
  /** The highest exposure by `systemd-analyze security`: 1.5 for the worker and 2.5 for services by default. */
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
  /** Globs, relative to the project; in development a change of such a file restarts the service. */
  readonly watch?: readonly string[]
  /** Runs once; it is done when it exits with 0. */
  readonly oneshot?: boolean
  readonly only?: 'development' | 'server'
  /** Exceptions from the hardening of its unit. */
  readonly allow?: Allow
  /** Files with secrets that only root can read, by name; on a server the service finds them in `$CREDENTIALS_DIRECTORY`. */
  readonly credentials?: Readonly<Record<string, string>>
}

export interface WorkerConfig {
  readonly instances?: number
  readonly pollInterval?: Duration
  readonly gracePeriod?: Duration
  /** How much of the output of a task is kept, its beginning and its end, such as `'20 MB'`; 100 MB by default. */
  readonly maxLog?: string
  /** How long a task may be due before one of its table comes before tasks of higher priority; unlimited by default. */
  readonly starvation?: Duration
  /** As of a service: the environment of processors and of the configuration itself. */
  readonly env?: Readonly<Record<string, string>>
  readonly envFile?: string | readonly string[]
  /** Exceptions from the hardening of its units, which builds and deployments need. */
  readonly allow?: Allow
  /** As of a service. */
  readonly credentials?: Readonly<Record<string, string>>
}

/** Adds a task at the times of a cron expression, once each time, however many workers there are. */
export interface ScheduleConfig {
  /** Five fields, minutes first, such as `'0 3 * * *'`; six with seconds in front; or `@daily` and the like. */
  readonly cron: string
  /** Such as `'Europe/Berlin'`; the machine's by default. */
  readonly timeZone?: string
  /** The processor whose task it is. */
  readonly enqueue: string
  /** The task's columns, by their keys in TypeScript. */
  readonly with?: Readonly<Record<string, unknown>>
  /** After a time without a worker: add one task (default), or none. */
  readonly missed?: 'run_once' | 'skip'
}

/** How long something stays; for ever where nothing is said. */
export interface RetentionRules {
  /** Tasks with their runs, audit and logs, since they succeeded. */
  readonly succeeded?: Duration
  readonly failed?: Duration
  readonly canceled?: Duration
  /** Logs of tasks, since their last line. */
  readonly logs?: Duration
  /** Files that processors keep, such as the artifacts of builds, since their task was settled. */
  readonly artifacts?: Duration
}

/** What workers prune while they have nothing to do, and `ops prune`. */
export interface RetentionConfig extends RetentionRules {
  /**
   * Other rules for a processor. Tasks in an existing table of the application are pruned only where their processor has an
   * entry.
   */
  readonly processors?: Readonly<Record<string, RetentionRules>>
}

/** Settings of a SQLite database. */
export interface SqliteConfig {
  /** Its durability; FULL by default, since after a lost "succeeded" a deployment would run twice. */
  readonly synchronous?: 'FULL' | 'NORMAL'
}

/** What `ops.config.ts` exports. Every part has a default; an empty object is a valid configuration. */
export interface Config {
  /** The name of the project and of its units; that of the folder by default. */
  readonly name?: string
  /** `sqlite:<path>` (relative to the project) or `postgres://…`. `OPS_DATABASE_URL` wins. */
  readonly database?: string
  readonly sqlite?: SqliteConfig
  readonly services?: Readonly<Record<string, Service>>
  readonly worker?: WorkerConfig
  readonly schedules?: Readonly<Record<string, ScheduleConfig>>
  readonly retention?: RetentionConfig
  readonly systemd?: SystemdConfig
  /**
   * Settings by the short name of the plugin: `build` for `@ops-cli/plugin-build` and `ops-plugin-build`. Of the bundled
   * plugins, those that are named are enabled.
   */
  readonly plugins?: Readonly<Record<string, unknown>>
  /**
   * Plugins that may be installed or linked: names of packages, paths relative to the project, URLs of repositories; `*`
   * matches anything. All are allowed where there is no list.
   */
  readonly pluginsAllow?: readonly string[]
  /** Processors of bundled plugins that another plugin may provide instead, such as `build`. */
  readonly pluginsReplace?: readonly string[]
}

/** Types a configuration; returns it as it is. */
export function defineConfig(config: Config): Config {
  return config
}
