import { execFile } from 'node:child_process'
import { formatShortTime } from '../format.ts'

/** Sends messages to systemd, such as `READY=1` (sd_notify(3)). */
export type Notify = (messages: readonly string[]) => Promise<void>

export interface Notification {
  readonly notify: Notify
  /** systemd expects a message within this time; undefined where it has no watchdog. */
  readonly watchdogMs: number | undefined
}

/**
 * The connection to the systemd that started this process; undefined where none did. Removes its variables from the
 * environment, so that no program of a task can speak for the worker.
 */
export function takeNotification(env: NodeJS.ProcessEnv): Notification | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (!NOTIFY_SOCKET) return undefined
  return {
    notify: notifyBy(NOTIFY_SOCKET, env),
    watchdogMs: WATCHDOG_USEC === undefined ? undefined : Number(WATCHDOG_USEC) / 1000,
  }
}

/**
 * Node has no datagram sockets of this kind, and a native module for a few messages a minute is one more thing that can
 * fail to build. systemd's own program takes some 10 ms a call, so calls must be rare.
 */
function notifyBy(socket: string, env: NodeJS.ProcessEnv): Notify {
  return (messages) =>
    new Promise((resolve, reject) => {
      const options = { env: { PATH: env.PATH, NOTIFY_SOCKET: socket }, timeout: 5000 }
      // It waits until systemd has read the message: systemd cannot tell whose message it is once the sender is gone.
      execFile('systemd-notify', [...messages], options, (error) => (error ? reject(error) : resolve()))
    })
}

/** Each status costs a process. */
const STATUS_EVERY_MS = 1000

/** By how much the stop is extended, and how often. */
const EXTEND_BY_MS = 30_000
const EXTEND_EVERY_MS = 10_000

/** How long a task and its programs may take to stop after its timeout. */
const STOPPING_MS = 60_000

interface CurrentTask {
  readonly name: string
  readonly since: Date
  /** Milliseconds of the clock of `now`. */
  readonly endsBy: number | undefined
}

interface NotifierOptions extends Notification {
  /** The worker polls at least this often. */
  readonly pollIntervalMs: number
  /** Called once, when systemd cannot be reached. */
  readonly onFailure: (error: Error) => void
  readonly now?: () => number
}

/**
 * Tells systemd that a worker is ready, what it runs, that it is alive, and that it needs more time to stop. The rate is
 * low, however short the tasks are.
 */
export class WorkerNotifier {
  readonly #options: NotifierOptions
  readonly #now: () => number
  #task: CurrentTask | undefined
  #progressedAt: number
  #isStopping = false
  #status = ''
  #sent = ''
  /** The task at the last update; undefined if there was none. */
  #shown: string | undefined
  #statusTimer: NodeJS.Timeout | undefined
  #timers: NodeJS.Timeout[] = []
  #sending: Promise<void> = Promise.resolve()
  #hasFailed = false

  constructor(options: NotifierOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#progressedAt = this.#now()
  }

  polling(): void {
    const { watchdogMs } = this.#options
    this.#status = this.#sent = 'waiting for tasks'
    this.#send('READY=1', `STATUS=${this.#status}`)
    // Twice as often as asked for, as sd_watchdog_enabled(3) advises.
    if (watchdogMs !== undefined) this.#every(watchdogMs / 2, () => this.isAlive() && this.#send('WATCHDOG=1'))
  }

  progressed(): void {
    this.#progressedAt = this.#now()
  }

  started(name: string, timeoutMs: number | undefined): void {
    const endsBy = timeoutMs === undefined ? undefined : this.#now() + timeoutMs + STOPPING_MS
    this.#task = { name, since: new Date(), endsBy }
    this.#updateSoon()
  }

  ended(): void {
    this.#task = undefined
    this.progressed()
    this.#updateSoon()
  }

  /** systemd limits the time of the stop from here on; it is extended until the task has finished. */
  stopping(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    const { name } = this.#task ?? {}
    const status = name === undefined ? 'stopping' : `finishing ${name}, then stopping`
    const extend = `EXTEND_TIMEOUT_USEC=${EXTEND_BY_MS * 1000}`
    this.#send('STOPPING=1', `STATUS=${status}`, extend)
    this.#every(EXTEND_EVERY_MS, () => this.#send(extend))
  }

  /** Whether the worker polls, or its task is within its timeout. */
  isAlive(): boolean {
    const { pollIntervalMs, watchdogMs = 0 } = this.#options
    if (this.#now() - this.#progressedAt < pollIntervalMs + watchdogMs) return true
    return this.#task !== undefined && (this.#task.endsBy === undefined || this.#now() < this.#task.endsBy)
  }

  /** Resolves once systemd has read the last message. */
  async close(): Promise<void> {
    clearTimeout(this.#statusTimer)
    for (const timer of this.#timers) clearInterval(timer)
    await this.#sending
  }

  #updateSoon(): void {
    if (this.#isStopping) return
    this.#statusTimer ??= setTimeout(() => this.#update(), STATUS_EVERY_MS).unref()
  }

  /** Names a task only once it has run for a while; names of short tasks would change faster than they are sent. */
  #update(): void {
    this.#statusTimer = undefined
    if (this.#isStopping) return
    const name = this.#task?.name
    if (name === undefined) this.#status = 'waiting for tasks'
    else if (name === this.#shown)
      this.#status = `running ${name} since ${formatShortTime(this.#task!.since, new Date())}`
    else {
      this.#status = this.#shown === undefined ? `running ${name}` : 'running short tasks'
      this.#updateSoon()
    }
    this.#shown = name
    if (this.#status === this.#sent) return
    this.#sent = this.#status
    this.#send(`STATUS=${this.#status}`)
  }

  #every(milliseconds: number, action: () => void): void {
    this.#timers.push(setInterval(action, milliseconds).unref())
  }

  /** One after the other, so that they arrive in order. */
  #send(...messages: string[]): void {
    this.#sending = this.#sending
      .then(() => this.#options.notify(messages))
      .catch((error: Error) => {
        if (!this.#hasFailed) this.#options.onFailure(error)
        this.#hasFailed = true
      })
  }
}
