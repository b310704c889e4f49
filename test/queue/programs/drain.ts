/** `drain.ts <url> <worker>`: claims and settles until nothing is left, and prints the ids of its tasks. */

import { openQueue } from '../../../src/queue/open-queue.ts'
import { listen } from '../../support/listen.ts'
import { queuedChecks } from '../tables.ts'

const [url, id] = process.argv.slice(2)
const queue = await openQueue(url!, { directory: '/', synchronous: 'NORMAL' })
await queue.startWorker({ id: id!, host: 'here', pid: process.pid, version: '0' })
listen(async () => {
  const ids = []
  let claim = await queue.claim([queuedChecks])
  while (claim) {
    ids.push(claim.run.taskId)
    const { next } = await queue.settle(claim.run, { kind: 'succeeded', columns: {} }, [queuedChecks])
    claim = next
  }
  await queue.close()
  console.log(JSON.stringify(ids))
  process.exit()
})
console.log('ready')
