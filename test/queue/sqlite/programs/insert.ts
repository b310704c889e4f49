/** `insert.ts <file> <count> [<pause>]`: adds checks one by one when told to, like an application without ops. */

import Database from 'better-sqlite3'
import { pause } from '../../../../src/queue/sqlite/open-database.ts'
import { listen } from '../../../support/listen.ts'

const [file, count, pauseMs = '0'] = process.argv.slice(2)
const database = new Database(file!, { timeout: 5000 })
const insert = database.prepare(`insert into checks (url) values ('foreign')`)
listen(() => {
  try {
    for (let task = 0; task < Number(count); task += 1) {
      insert.run()
      pause(Number(pauseMs))
    }
    console.log('done')
  } catch (error) {
    console.log(String(error))
  }
  process.exit()
})
console.log('ready')
