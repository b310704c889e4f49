/** `enqueue.ts <url> <table> <count>`: adds tasks one by one when told to, and says what went wrong. */

import { openQueue } from '../../../src/queue/open-queue.ts'
import { listen } from '../../support/listen.ts'
import { allTables } from '../tables.ts'

const [url, name, count] = process.argv.slice(2)
const { table } = allTables.find((queued) => queued.table.name === name)!
const queue = await openQueue(url!, { directory: '/', synchronous: 'NORMAL' })
await queue.openRuns()
listen(async () => {
  const errors: string[] = []
  for (let task = 0; task < Number(count); task += 1) {
    await queue.enqueue(table, [{}]).catch((error) => errors.push(String(error)))
  }
  await queue.close()
  console.log(errors.length === 0 ? 'done' : errors.join('; '))
  process.exit()
})
console.log('ready')
