import type { Watched } from './notify.ts'

/** At most one status a second: it costs a process, and nobody reads faster. */
const STATUS_EVERY_MS = 1000

/** By how much the end of the stop is put off, and how often. */
const EXTEND_BY_MS = 30_000
const EXTEND_EVERY_MS = 10_000

/** How long a task may take to end after its time is over, with all its programs. */
const ENDING_MS = 60_000

interface AtHand {
  readonly name: string
  readonly since: Date
  /** Milliseconds of the clock of `now`. */
  readonly endsBy: number | undefined
}

interface Settings extends Watched {
  /** Between two looks for tasks, at most. */
  readonly pollIntervalMs: number
  /** Told once when systemd cannot be reached. */
  readonly onFailure: (error: Error) => void
  readonly now?: () => number
}

/**
 * Tells systemd how a worker goes: ready, what it does, that it is alive, that it stops and still needs time. All of it
 * at a steady low rate, however fast the tasks go by.
 */
export class WorkerNotifier {
  readonly #settings: Settings
  readonly #now: () => number
  #atHand: AtHand | undefined
  #progressedAt: number
  #isStopping = false
  #status = ''
  #sent = ''
  #shown: string | undefined
  #statusTimer: NodeJS.Timeout | undefined
  #timers: NodeJS.Timeout[] = []
  #sending: Promise<void> = Promise.resolve()
  #hasFailed = false

  constructor(settings: Settings) {
    this.#settings = settings
    this.#now = settings.now ?? (() => performance.now())
    this.#progressedAt = this.#now()
  }

  polling(): void {
    const { watchdogMs } = this.#settings
    this.#status = this.#sent = 'waiting for tasks'
    this.#send('READY=1', `STATUS=${this.#status}`)
    // Twice as often as asked for, as sd_watchdog_enabled(3) advises.
    if (watchdogMs !== undefined) this.#every(watchdogMs / 2, () => this.isAlive() && this.#send('WATCHDOG=1'))
  }

  progressed(): void {
    this.#progressedAt = this.#now()
  }

  started(name: string, timeoutMs: number | undefined): void {
    const endsBy = timeoutMs === undefined ? undefined : this.#now() + timeoutMs + ENDING_MS
    this.#atHand = { name, since: new Date(), endsBy }
    this.#tellSoon()
  }

  ended(): void {
    this.#atHand = undefined
    this.progressed()
    this.#tellSoon()
  }

  /** From here on systemd counts the time of the stop; it is put off for as long as there is a task to finish. */
  stopping(): void {
    if (this.#isStopping) return
    this.#isStopping = true
    const { name } = this.#atHand ?? {}
    const status = name === undefined ? 'ending' : `finishing ${name}, then ending`
    const extend = `EXTEND_TIMEOUT_USEC=${EXTEND_BY_MS * 1000}`
    this.#send('STOPPING=1', `STATUS=${status}`, extend)
    this.#every(EXTEND_EVERY_MS, () => this.#send(extend))
  }

  /** Whether the loop goes round, or the task at hand is within its time. */
  isAlive(): boolean {
    const { pollIntervalMs, watchdogMs = 0 } = this.#settings
    if (this.#now() - this.#progressedAt < pollIntervalMs + watchdogMs) return true
    return this.#atHand !== undefined && (this.#atHand.endsBy === undefined || this.#now() < this.#atHand.endsBy)
  }

  /** Says no more. Resolves when the last message has been read. */
  async close(): Promise<void> {
    clearTimeout(this.#statusTimer)
    for (const timer of this.#timers) clearInterval(timer)
    await this.#sending
  }

  #tellSoon(): void {
    if (this.#isStopping) return
    this.#statusTimer ??= setTimeout(() => this.#tell(), STATUS_EVERY_MS).unref()
  }

  /** A task that is still the one of a moment ago is named; of tasks that fly by only that they do. */
  #tell(): void {
    this.#statusTimer = undefined
    if (this.#isStopping) return
    const name = this.#atHand?.name
    if (name === undefined) this.#status = 'waiting for tasks'
    else if (name === this.#shown) this.#status = `running ${name} since ${timeOf(this.#atHand!.since)}`
    else {
      this.#status = this.#sent === 'waiting for tasks' ? `running ${name}` : 'running short tasks'
      this.#tellSoon()
    }
    this.#shown = name
    if (this.#status === this.#sent) return
    this.#sent = this.#status
    this.#send(`STATUS=${this.#status}`)
  }

  #every(milliseconds: number, what: () => void): void {
    this.#timers.push(setInterval(what, milliseconds).unref())
  }

  /** One after the other, so that they arrive in their order. */
  #send(...messages: string[]): void {
    this.#sending = this.#sending
      .then(() => this.#settings.notify(messages))
      .catch((error: Error) => {
        if (!this.#hasFailed) this.#settings.onFailure(error)
        this.#hasFailed = true
      })
  }
}

function timeOf(date: Date): string {
  return date.toTimeString().slice(0, 8)
}
