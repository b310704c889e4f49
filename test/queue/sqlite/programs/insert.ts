/** `insert.ts <file> <count>`: adds checks one by one when told to, like an application without ops. */

import Database from 'better-sqlite3'
import { listen } from '../../../support/listen.ts'

const [file, count] = process.argv.slice(2)
const database = new Database(file!, { timeout: 5000 })
const insert = database.prepare(`insert into checks (url) values ('foreign')`)
listen(() => {
  try {
    for (let task = 0; task < Number(count); task += 1) insert.run()
    console.log('done')
  } catch (error) {
    console.log(String(error))
  }
  process.exit()
})
console.log('ready')
