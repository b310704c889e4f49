/** `hold-lock.ts <file> <milliseconds>`: adds a check in a transaction that stays open for this time. */

import Database from 'better-sqlite3'

const [file, milliseconds] = process.argv.slice(2)
const database = new Database(file!)
database.exec(`begin immediate; insert into checks (url) values ('by the holder of the lock')`)
console.log('locked')
setTimeout(() => {
  database.exec('commit')
  console.log('released')
}, Number(milliseconds))
