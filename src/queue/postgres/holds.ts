import type { Hold, Holds } from '../holds.ts'
import type { Connection } from './connection.ts'
import { type Row, recordEvent } from './statements.ts'

export class PostgresHolds implements Holds {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async take(key: string, actor: string, reason: string | undefined): Promise<Hold | undefined> {
    return this.#connection.transaction(async (session) => {
      const [taken] = await session.query(
        `insert into ops_holds (key, actor, reason) values ($1, $2, $3) on conflict (key) do nothing returning 1`,
        [key, actor, reason ?? null],
      )
      if (taken) {
        await recordEvent(session, 'held', actor, undefined, { key, reason })
        return undefined
      }
      const [before] = await session.query('select * from ops_holds where key = $1', [key])
      return toHold(before!)
    })
  }

  async release(key: string, actor: string): Promise<Hold | undefined> {
    return this.#connection.transaction(async (session) => {
      const [hold] = await session.query('delete from ops_holds where key = $1 returning *', [key])
      if (!hold) return undefined
      await recordEvent(session, 'released', actor, undefined, { key })
      // Without a table name: a task of any table may wait for the key.
      await session.query(`select pg_notify('ops', '')`)
      return toHold(hold)
    })
  }

  async list(): Promise<Hold[]> {
    return this.#connection.use(async (session) =>
      (await session.query('select * from ops_holds order by held_at, key')).map(toHold),
    )
  }
}

function toHold({ key, reason, actor, held_at }: Row): Hold {
  return { key, reason: reason ?? undefined, actor, heldAt: held_at }
}
