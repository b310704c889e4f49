/** `read-in-turns.ts <file>`: two connections read for 20 ms each, so that one of them always reads. */

import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'

const connections = [0, 1].map(() => new Database(process.argv[2]!))
const begin = (database: Database.Database) => {
  database.exec('begin')
  database.prepare('select count(*) from notes').get()
}
let turn = 0
begin(connections[0]!)
console.log('reading')
for (;;) {
  await delay(10)
  begin(connections[(turn + 1) % 2]!)
  await delay(10)
  connections[turn % 2]!.exec('commit')
  turn += 1
}
