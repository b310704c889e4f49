import type { Hold, Holds } from '../holds.ts'
import type { Connection } from './connection.ts'
import { recordEvent } from './statements.ts'

interface HoldRow {
  key: string
  reason: string | null
  actor: string
  held_at: number
}

export class SqliteHolds implements Holds {
  readonly #connect: () => Connection

  constructor(connect: () => Connection) {
    this.#connect = connect
  }

  async take(key: string, actor: string, reason: string | undefined): Promise<Hold | undefined> {
    const connection = this.#connect()
    return connection.lock.write(() => {
      const before = holdOf(connection, key)
      if (before) return before
      connection.sql('insert into ops_holds values (?, ?, ?, ?)').run(key, reason ?? null, actor, Date.now())
      recordEvent(connection, 'held', actor, undefined, { key, reason })
      return undefined
    })
  }

  async release(key: string, actor: string): Promise<Hold | undefined> {
    const connection = this.#connect()
    const released = await connection.lock.write(() => {
      const hold = holdOf(connection, key)
      if (!hold) return undefined
      connection.sql('delete from ops_holds where key = ?').run(key)
      recordEvent(connection, 'released', actor, undefined, { key })
      return hold
    })
    connection.wakeUp.signal()
    return released
  }

  async list(): Promise<Hold[]> {
    const rows = this.#connect().sql('select * from ops_holds order by held_at, key').all()
    return (rows as HoldRow[]).map(toHold)
  }
}

function holdOf(connection: Connection, key: string): Hold | undefined {
  const row = connection.sql('select * from ops_holds where key = ?').get(key) as HoldRow | undefined
  return row && toHold(row)
}

function toHold({ key, reason, actor, held_at }: HoldRow): Hold {
  return { key, reason: reason ?? undefined, actor, heldAt: new Date(held_at) }
}
