import { execFile } from 'node:child_process'

/** Sends messages to systemd, such as `READY=1` (sd_notify(3)). */
export type Notify = (messages: readonly string[]) => Promise<void>

export interface Watched {
  readonly notify: Notify
  /** Within this time systemd wants a sign of life; undefined where it does not watch. */
  readonly watchdogMs: number | undefined
}

/**
 * How this process speaks to the systemd that has started it; undefined where none has. The variables are taken out of
 * the environment, so that no program of a task speaks in the worker's name.
 */
export function takeNotification(env: NodeJS.ProcessEnv): Watched | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (!NOTIFY_SOCKET) return undefined
  return {
    notify: notifyBy(NOTIFY_SOCKET, env),
    watchdogMs: WATCHDOG_USEC === undefined ? undefined : Number(WATCHDOG_USEC) / 1000,
  }
}

/**
 * Node has no datagram sockets of this kind, and a native module for some words a minute would be one more thing that
 * can fail to build. systemd brings a program for it: some 10 ms a call, so whoever calls it does so rarely.
 */
function notifyBy(socket: string, env: NodeJS.ProcessEnv): Notify {
  return (messages) =>
    new Promise((resolve, reject) => {
      const options = { env: { PATH: env.PATH, NOTIFY_SOCKET: socket }, timeout: 5000 }
      // It waits until systemd has read the message: of a sender that has gone systemd does not know whose it was.
      execFile('systemd-notify', [...messages], options, (error) => (error ? reject(error) : resolve()))
    })
}
