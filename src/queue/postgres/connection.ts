import { redactUrl } from '../../redact.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'

/** How long the last statements may take. A server that does not answer ends the session by itself. */
const CLOSE_WITHIN_MS = 5000

/** Between attempts to connect, at most; each is up to half of it shorter or longer, so that not all come at once. */
const LONGEST_PAUSE_MS = 5000
const SHORTEST_PAUSE_MS = 200
const GROWTH = 3

interface Job {
  /** Does not wait for the next attempt to connect. */
  readonly isUrgent: boolean
  /** Never rejects. */
  run(session: Session): Promise<void>
  fail(error: Error): void
}

/**
 * The one connection of a queue, for its statements, the worker's lock and the notifications. If it is lost, the next
 * statement opens it again.
 */
export class Connection {
  readonly name: string
  readonly #url: string
  readonly #preparations: ((session: Session) => Promise<void>)[] = []
  readonly #jobs: Job[] = []
  /** Also while it is prepared. */
  #session: Session | undefined
  #isPrepared = false
  #running: Promise<void> | undefined
  /** Why the latest attempts to connect failed, how many they were, and when the next one may be. */
  #failure: { readonly error: unknown; readonly count: number; readonly retryAt: number } | undefined

  constructor(url: string) {
    this.#url = url
    this.name = redactUrl(url)
  }

  /** The session that is used or prepared now; undefined while there is none. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Prepares this session and each new one before any other statement runs on it. */
  async prepare(preparation: (session: Session) => Promise<void>): Promise<void> {
    await this.use(preparation)
    this.#preparations.push(preparation)
  }

  /**
   * Runs one piece of work at a time on the session, so that no statement gets into another's transaction.
   *
   * @param options `isUrgent`: before all that wait
   */
  use<T>(work: (session: Session) => Promise<T>, { isUrgent = false } = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      const job = { isUrgent, run: (session: Session) => work(session).then(resolve, reject), fail: reject }
      if (isUrgent) this.#jobs.unshift(job)
      else this.#jobs.push(job)
      this.#running ??= this.#runJobs()
    })
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.use((session) => session.transaction(() => work(session)))
  }

  /** Gives up the session, whose statement fails with the reason; the next one opens another. */
  drop(reason: Error): void {
    this.#session?.destroy(reason)
  }

  /** Runs the last statements on the session, if there is one, and closes it. */
  async close(finish: (session: Session) => Promise<void>): Promise<void> {
    const reason = new Error(`${this.name} did not answer while its connection was closed.`)
    const timer = setTimeout(() => this.drop(reason), CLOSE_WITHIN_MS)
    try {
      await this.#running
      const session = this.#session
      if (!session || session.hasEnded) return
      try {
        await finish(session)
      } finally {
        await session.close()
      }
    } finally {
      clearTimeout(timer)
      this.#session = undefined
    }
  }

  async #runJobs(): Promise<void> {
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
      try {
        await job.run(await this.#open(job.isUrgent))
      } catch (error) {
        // Everything that waited for this session fails with it: one attempt after another could take minutes.
        for (const waiting of [job, ...this.#jobs.splice(0)]) waiting.fail(error as Error)
      }
    }
    this.#running = undefined
  }

  async #open(isUrgent: boolean): Promise<Session> {
    if (this.#isPrepared && this.#session && !this.#session.hasEnded) return this.#session
    this.#isPrepared = false
    this.#session = undefined
    const session = await this.#connect(isUrgent)
    this.#session = session
    try {
      for (const prepare of this.#preparations) await prepare(session)
    } catch (error) {
      session.destroy()
      throw error
    }
    this.#isPrepared = true
    return session
  }

  async #connect(isUrgent: boolean): Promise<Session> {
    if (this.#failure && !isUrgent && performance.now() < this.#failure.retryAt) throw this.#failure.error
    try {
      const session = await openSession(this.#url)
      this.#failure = undefined
      return session
    } catch (error) {
      const count = (this.#failure?.count ?? 0) + 1
      const pause = Math.min(SHORTEST_PAUSE_MS * GROWTH ** (count - 1), LONGEST_PAUSE_MS) * (0.5 + Math.random())
      this.#failure = { error, count, retryAt: performance.now() + pause }
      throw error
    }
  }
}
