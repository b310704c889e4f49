/** `migrate.ts <url> <directory>`: migrates with the migrations of one plugin when told to, and prints what it did. */

import { openQueue } from '../../../src/queue/open-queue.ts'
import { listen } from '../../support/listen.ts'
import { queuedBuilds } from '../tables.ts'

const [url, directory] = process.argv.slice(2)
const queue = await openQueue(url!, { directory: '/', synchronous: 'NORMAL' })
listen(async () => {
  try {
    console.log(
      JSON.stringify(await queue.migrate([{ name: 'ops-plugin-build', directory: directory! }], [queuedBuilds])),
    )
  } catch (error) {
    console.log(JSON.stringify(String(error)))
  }
  process.exit()
})
console.log('ready')
