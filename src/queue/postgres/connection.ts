import { redactUrl } from '../../redact.ts'
import { openSession } from './open-session.ts'
import type { Session } from './session.ts'

/**
 * The one connection of a queue: everything that belongs to a session is on it, the statements, the lock that is the
 * worker's life and the notifications. When it is lost, the next statement opens it again.
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

  /** Has something done on each new session before anything else is. */
  async prepare(preparation: (session: Session) => Promise<void>): Promise<void> {
    await this.use(preparation)
    this.#preparations.push(preparation)
  }

  /** Gives the session to one piece of work at a time, so that no statement gets into the transaction of another. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => work(await this.#open()))
    this.#turn = done.catch(() => {})
    return done
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.use((session) => session.transaction(() => work(session)))
  }

  /** Runs something on the session if there is one, and closes it. */
  async close(farewell: (session: Session) => Promise<void>): Promise<void> {
    await this.#turn
    const session = this.#session
    this.#session = undefined
    if (!session || session.isOver) return
    try {
      await farewell(session)
    } finally {
      await session.close()
    }
  }

  async #open(): Promise<Session> {
    if (this.#session && !this.#session.isOver) return this.#session
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
