/** `come-and-go.ts <file> <times>`: opens the queue, reads, writes and closes it repeatedly when told to. */

import { SqliteQueue } from '../../../../src/queue/sqlite/queue.ts'
import { listen } from '../../../support/listen.ts'
import { checks, queuedChecks } from '../../tables.ts'

const [file, times] = process.argv.slice(2)
listen(async () => {
  const errors: string[] = []
  for (let time = 0; time < Number(times); time += 1) {
    const queue = new SqliteQueue(file!, { synchronous: 'NORMAL' })
    try {
      await queue.openRuns()
      const [task] = await queue.enqueue(checks, [{}])
      await queue.find(checks, task!.id)
      await queue.claim([queuedChecks])
    } catch (error) {
      errors.push(String(error))
    }
    await queue.close()
  }
  console.log(errors.length === 0 ? 'done' : `${errors.length} errors: ${[...new Set(errors)].join('; ')}`)
  process.exit()
})
console.log('ready')
