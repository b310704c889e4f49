/**
 * `writer.ts <ops or sql> <url> <seed>`: keeps tasks of every kind in the queue, cancels some and retries some, until it
 * gets a line; then prints what it did. With `ops` it writes through ops, with `sql` in SQL.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { shareHostModules } from '../../../src/host-modules.ts'
import { listen } from '../../support/listen.ts'
import { Random } from '../random.ts'
import type { TaskWriter } from '../task-writer.ts'

/** Pending tasks of all writers together. */
const BACKLOG = 25
const PLACES = 4

const [how, url, seed] = process.argv.slice(2)
shareHostModules()
const { opsWriter, sqlWriter } = await import('../task-writer.ts')
const writer: TaskWriter = how === 'ops' ? await opsWriter(url!) : await sqlWriter(url!)
const random = new Random(Number(seed))
const done = { added: 0, canceled: 0, retried: 0, errors: [] as string[] }
const kinds = ['note', 'count', 'move', 'sync'] as const
let isStopped = false
let lastSync: number | undefined

listen(() => {
  isStopped = true
})
while (!isStopped) {
  await delay(random.between(5, 40))
  try {
    await act()
  } catch (error) {
    // A migration was in the way; another client would try again, too.
    if (!String(error).includes('deadlock detected')) done.errors.push(String(error))
  }
}
await writer.close()
console.log(JSON.stringify(done))
process.exit()

async function act(): Promise<void> {
  const kind = random.one(kinds)
  const [cancels, retries] = [random.happens(0.03), random.happens(0.03)]
  if (cancels) {
    const id = await writer.find(kind, ['pending', 'ongoing'])
    if (id !== undefined && (await writer.cancel(kind, id))) done.canceled += 1
  } else if (retries) {
    const id = await writer.find(kind, ['failed', 'canceled'])
    if (id !== undefined && (await writer.retry(kind, id))) done.retried += 1
  } else if ((await writer.waiting()) < BACKLOG) await add(kind)
}

async function add(kind: (typeof kinds)[number]): Promise<void> {
  const isPlaced = kind === 'move' || kind === 'sync'
  const id = await writer.add(kind, {
    // A few are still running when the next worker recovers them.
    milliseconds: random.happens(0.03) ? random.between(400, 2500) : random.between(5, 100),
    exitCode: random.happens(0.05) ? 3 : 0,
    ...(isPlaced && random.happens(0.9) ? { place: `p${random.between(1, PLACES)}` } : {}),
    ...(kind === 'sync' && lastSync !== undefined && random.happens(0.5) ? { afterId: lastSync } : {}),
  })
  if (kind === 'sync') lastSync = id
  done.added += 1
}
