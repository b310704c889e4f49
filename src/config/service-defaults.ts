/*
 * What services and the worker do unless the configuration says otherwise, in development and on a server. Durations are
 * written as in a configuration.
 */

export const serviceDefaults = {
  readyTimeout: '30s',
  stopSignal: 'SIGTERM',
  /** From the stop signal to SIGKILL. */
  stopTimeout: '10s',
} as const

export const workerDefaults = {
  pollInterval: '1s',
  /** How long a stop waits for the running task. */
  gracePeriod: '10m',
  /** How long after that a worker may take to write the outcome of its task. */
  settleTimeout: '15s',
} as const

/** When a service restarts. Nothing restarts after exit code 78, which means a wrong configuration. */
export const restartDefaults = {
  /** On a laptop a service that exits with 0 has done its work; on a server one that exits is missed. */
  development: 'on-failure',
  server: 'always',
  /** A oneshot is run again only on request. */
  oneshot: 'never',
} as const

/** In development a service that keeps failing fails the start. */
export const developmentBackoff = {
  /** Doubled after each failure. */
  firstDelay: '1s',
  longestDelay: '30s',
  /** After running this long, the next failure counts as the first. */
  resetAfter: '30s',
  mostFailures: 10,
  /** The same for a service that never ran longer than a second. */
  mostQuickFailures: 3,
} as const

/** On a server systemd restarts forever. */
export const serverRestartDelay = '5s'
