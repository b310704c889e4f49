/** `live.ts <url> <worker>`: is a worker until it gets a line or is killed. */

import { openQueue } from '../../../src/queue/open-queue.ts'
import { listen } from '../../support/listen.ts'
import { allTables } from '../tables.ts'

const [url, id] = process.argv.slice(2)
const queue = await openQueue(url!, { directory: '/', synchronous: 'NORMAL' })
await queue.startWorker({ id: id!, host: 'here', pid: process.pid, version: '0' })
listen(async (line) => {
  if (line === 'claim') {
    const claim = await queue.claim(allTables)
    console.log(claim ? `${claim.run.queued.processor} ${claim.run.taskId}` : 'nothing')
  } else {
    await queue.close()
    console.log('closed')
  }
})
console.log('up')
