/** The floor: one page changed in a commit, nothing else. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { type ContenderOptions, warmUp } from '../contender.ts'

const { n, synchronous } = JSON.parse(process.argv[2]!) as ContenderOptions

const directory = mkdtempSync(join(tmpdir(), 'raw-bench-'))
const database = new Database(join(directory, 'raw.db'))
database.pragma('journal_mode = WAL')
database.pragma(`synchronous = ${synchronous}`)
database.exec('create table t (id integer primary key, v integer); insert into t values (1, 0)')
const update = database.prepare('update t set v = v + 1 where id = 1')
for (let i = 0; i < warmUp; i += 1) update.run()
const startedAt = performance.now()
for (let i = 0; i < n; i += 1) update.run()
const milliseconds = performance.now() - startedAt
database.close()
rmSync(directory, { recursive: true })
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000) }))
