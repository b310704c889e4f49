import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import type { DatabaseKind } from '../support/test-database.ts'
import type { Chance } from './chance.ts'

/** A server that nobody else uses, so that it can be ended under its clients. */
export interface OwnPostgres {
  readonly kind: DatabaseKind
  /** Ends all connections, and the server for a moment. */
  restart(): Promise<void>
  /** Ends a few connections, as a network or an operator does. */
  cut(chance: Chance): Promise<void>
  stop(): Promise<void>
}

const DATABASE = 'torture'

export async function postgresOfItsOwn(): Promise<OwnPostgres> {
  const server = await startPostgres()
  return {
    kind: {
      name: 'PostgreSQL',
      missing: undefined,
      async urlIn() {
        await asOperator(server, async (client) => void (await client.query(`create database ${DATABASE}`)))
        return server.url(DATABASE)
      },
    },
    restart: () => server.restart(),
    cut: (chance) =>
      asOperator(server, async (client) => {
        const { rows } = await client.query(`select pid from pg_stat_activity where datname = '${DATABASE}'`)
        for (const { pid } of rows) if (chance.happens(0.4)) await client.query(`select pg_terminate_backend(${pid})`)
      }),
    stop: () => server.stop(),
  }
}

async function asOperator(server: PostgresServer, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(server.url())
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

/** Does something to the server over and over, with some time between. */
export async function disturb(times: number, chance: Chance, disturbance: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await delay(chance.between(500, 3000))
    await disturbance()
  }
}
