/** The floor: one row changed in one round trip, nothing else. */

import pg from 'pg'
import { type PostgresContenderOptions, warmUpOnPostgres as warmUp } from '../contender.ts'
import { benchDatabase } from './bench-database.ts'

const { n, server } = JSON.parse(process.argv[2]!) as PostgresContenderOptions

const { url, drop } = await benchDatabase(server)
const client = new pg.Client(url)
await client.connect()
await client.query('create table t (id int primary key, v int); insert into t values (1, 0)')
const update = { name: 'update', text: 'update t set v = v + 1 where id = $1', values: [1] }
for (let i = 0; i < warmUp; i += 1) await client.query(update)
const startedAt = performance.now()
for (let i = 0; i < n; i += 1) await client.query(update)
const milliseconds = performance.now() - startedAt
await client.end()
await drop()
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000) }))
