import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import type { DatabaseKind } from '../support/test-database.ts'
import type { Random } from './random.ts'

/** A server for one torture only, which can be stopped while clients use it. */
export interface OwnPostgres {
  readonly kind: DatabaseKind
  /** Stops the server, with all connections, for a moment. */
  restart(): Promise<void>
  /** Cuts some of the connections. */
  cut(random: Random): Promise<void>
  stop(): Promise<void>
}

const DATABASE = 'torture'

export async function startOwnPostgres(): Promise<OwnPostgres> {
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
    cut: (random) =>
      asOperator(server, async (client) => {
        const { rows } = await client.query(`select pid from pg_stat_activity where datname = '${DATABASE}'`)
        for (const { pid } of rows) if (random.happens(0.4)) await client.query(`select pg_terminate_backend(${pid})`)
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

/** Repeats a disturbance of the server at random intervals. */
export async function disturb(times: number, random: Random, disturbance: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await delay(random.between(500, 3000))
    await disturbance()
  }
}
