/**
 * `insert-ordinaries.ts <ops or foreign> <file> <count>`: adds tasks one by one when told to, and prints the longest wait
 * in milliseconds and what went wrong. `foreign` knows nothing of ops and has an ordinary busy timeout of 5 s.
 */

import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { shareHostModules } from '../../../src/host-modules.ts'
import { SqliteQueue } from '../../../src/queue/sqlite/queue.ts'
import { listen } from '../../support/listen.ts'

const [how, file, count] = process.argv.slice(2)
shareHostModules()
const insert = how === 'ops' ? await opsInsert() : foreignInsert()
listen(async () => {
  const errors: string[] = []
  let longest = 0
  for (let task = 0; task < Number(count); task += 1) {
    const startedAt = performance.now()
    try {
      await insert()
    } catch (error) {
      errors.push(String(error))
    }
    longest = Math.max(longest, performance.now() - startedAt)
    await delay(2)
  }
  console.log(JSON.stringify({ longest, errors }))
  process.exit()
})
console.log('ready')

async function opsInsert(): Promise<() => Promise<unknown>> {
  const { ordinaries } = await import('../../fixtures/plugin-probe/src/ordinary.ts')
  const queue = new SqliteQueue(file!, {})
  await queue.openRuns()
  return () => queue.enqueue(ordinaries, [{ note: 'by ops' }])
}

function foreignInsert(): () => Promise<unknown> {
  const database = new Database(file!, { timeout: 5000 })
  const statement = database.prepare(`insert into ordinaries (note) values ('foreign')`)
  return async () => statement.run()
}
