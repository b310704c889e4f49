import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** A new database for one contender on the server of a benchmark; dropped at the end. */
export async function benchDatabase(server: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  const asOperator = async (sql: string) => {
    const client = new pg.Client(server)
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  await asOperator(`create database ${name}`)
  return { url: server.replace(/[^/]+$/, name), drop: () => asOperator(`drop database ${name} with (force)`) }
}
