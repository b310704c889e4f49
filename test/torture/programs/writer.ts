/**
 * `writer.ts <ops or sql> <url> <seed>`: keeps tasks of every kind in the queue, cancels some and retries some, until it is
 * told to stop; then prints what it has done. With `ops` it writes as ops does, with `sql` as a program that knows nothing of it.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { shareHostModules } from '../../../src/host-modules.ts'
import { listen } from '../../support/listen.ts'
import { Chance } from '../chance.ts'
import type { Writing } from '../writing.ts'

/** Tasks that wait, all writers together. */
const BACKLOG = 25
const PLACES = 4

const [how, url, seed] = process.argv.slice(2)
shareHostModules()
const { opsWriting, sqlWriting } = await import('../writing.ts')
const writing: Writing = how === 'ops' ? await opsWriting(url!) : await sqlWriting(url!)
const chance = new Chance(Number(seed))
const done = { added: 0, canceled: 0, retried: 0, errors: [] as string[] }
const kinds = ['note', 'count', 'move', 'sync'] as const
let isStopped = false
let lastSync: number | undefined

listen(() => {
  isStopped = true
})
while (!isStopped) {
  await delay(chance.between(5, 40))
  try {
    await act()
  } catch (error) {
    done.errors.push(String(error))
  }
}
await writing.close()
console.log(JSON.stringify(done))
process.exit()

async function act(): Promise<void> {
  const kind = chance.one(kinds)
  const [cancels, retries] = [chance.happens(0.03), chance.happens(0.03)]
  if (cancels) {
    const id = await writing.find(kind, ['pending', 'ongoing'])
    if (id !== undefined && (await writing.cancel(kind, id))) done.canceled += 1
  } else if (retries) {
    const id = await writing.find(kind, ['failed', 'canceled'])
    if (id !== undefined && (await writing.retry(kind, id))) done.retried += 1
  } else if ((await writing.waiting()) < BACKLOG) await add(kind)
}

async function add(kind: (typeof kinds)[number]): Promise<void> {
  const isPlaced = kind === 'move' || kind === 'sync'
  const id = await writing.add(kind, {
    // A few are still at work when the next worker comes to recover them.
    milliseconds: chance.happens(0.03) ? chance.between(400, 2500) : chance.between(5, 100),
    exitCode: chance.happens(0.05) ? 3 : 0,
    ...(isPlaced && chance.happens(0.9) ? { place: `p${chance.between(1, PLACES)}` } : {}),
    ...(kind === 'sync' && lastSync !== undefined && chance.happens(0.5) ? { afterId: lastSync } : {}),
  })
  if (kind === 'sync') lastSync = id
  done.added += 1
}
