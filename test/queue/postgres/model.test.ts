import pg from 'pg'
import { describe } from 'vitest'
import { PostgresQueue } from '../../../src/queue/postgres/queue.ts'
import { createTaskTable } from '../../support/create-task-table.ts'
import { postgresMissing, postgresUrl } from '../../support/postgres-fixture.ts'
import { unless } from '../../support/unless.ts'
import { modelTables } from '../model/tables.ts'
import { queueModel } from '../model.ts'

let url: Promise<string> | undefined

/** One database for all sequences: emptying it takes a tenth of the time of creating another. */
async function makeDatabase(): Promise<string> {
  const server = (await postgresUrl()).replace(/[^/]*$/, 'postgres')
  await withClient(server, (client) => client.query('create database model'))
  const url = server.replace(/postgres$/, 'model')
  await withClient(url, (client) =>
    client.query(modelTables.map(({ table }) => createTaskTable(table, 'postgres')).join(';')),
  )
  const queue = new PostgresQueue(url)
  await queue.migrate([], modelTables)
  await queue.close()
  return url
}

/** With triggers off, so that even the history can be deleted. */
async function empty(raw: pg.Client): Promise<void> {
  const ours = `select string_agg(tablename, ', ') as names from pg_tables
    where schemaname = 'public' and tablename <> 'ops_migrations'`
  const { names } = (await raw.query(ours)).rows[0]
  await raw.query(`set session_replication_role = replica; truncate ${names} restart identity;
    set session_replication_role = origin`)
}

describe('PostgreSQL', unless(postgresMissing), () => {
  queueModel(
    'PostgreSQL',
    async () => {
      url ??= makeDatabase()
      const database = await url
      const raw = new pg.Client(database)
      await raw.connect()
      await empty(raw)
      let last: Promise<unknown> = Promise.resolve()
      // One at a time on the connection.
      const sql = async (text: string) => {
        const result = last.then(() => raw.query(text))
        last = result.catch(() => {})
        return (await result).rows
      }
      return {
        name: 'PostgreSQL',
        open: async () => new PostgresQueue(database),
        sql,
        milliseconds: (column) => `(extract(epoch from ${column}) * 1000)::float8`,
        // The queue uses the server's clock; times in the model are hours apart.
        now: () => Date.now(),
        jump: async (milliseconds) => {
          const back = `- interval '${milliseconds} milliseconds'`
          for (const { table } of modelTables) await sql(`update ${table.name} set run_at = run_at ${back}`)
          await sql(`update ops_runs set deadline_at = deadline_at ${back} where ended_at is null`)
          return milliseconds
        },
        remove: () => raw.end(),
      }
    },
    6,
  )
})

async function withClient(url: string, use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await use(client)
  } finally {
    await client.end()
  }
}
