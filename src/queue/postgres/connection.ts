import { redactUrl } from '../../redact.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'

/** How long the statements before the end of a connection may take. */
const CLOSE_WITHIN_MS = 2000

/**
 * The one connection of a queue, for its statements, the worker's lock and the notifications. If it is lost, the next
 * statement opens it again.
 */
export class Connection {
  readonly name: string
  readonly #url: string
  readonly #preparations: ((session: Session) => Promise<void>)[] = []
  #session: Session | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(url: string) {
    this.#url = url
    this.name = redactUrl(url)
  }

  /** Prepares this session and each new one before any other statement runs on it. */
  async prepare(preparation: (session: Session) => Promise<void>): Promise<void> {
    await this.use(preparation)
    this.#preparations.push(preparation)
  }

  /** Runs one piece of work at a time on the session, so that no statement gets into another's transaction. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => work(await this.#open()))
    this.#turn = done.catch(() => {})
    return done
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.use((session) => session.transaction(() => work(session)))
  }

  /** Runs the last statements on the session, if there is one, and closes it. */
  async close(finish: (session: Session) => Promise<void>): Promise<void> {
    // A statement may wait for a lock without an end.
    const timer = setTimeout(() => this.#session?.destroy(), CLOSE_WITHIN_MS)
    await this.#turn
    const session = this.#session
    this.#session = undefined
    try {
      if (session && !session.hasEnded) await finish(session)
    } finally {
      clearTimeout(timer)
      if (session && !session.hasEnded) await session.close()
    }
  }

  async #open(): Promise<Session> {
    if (this.#session && !this.#session.hasEnded) return this.#session
    const session = await openSession(this.#url)
    try {
      for (const prepare of this.#preparations) await prepare(session)
    } catch (error) {
      session.destroy()
      throw error
    }
    this.#session = session
    return session
  }
}
