/**
 * `migrator.ts <url> <seed>`: an application that knows nothing of ops and migrates its tables meanwhile: it loses triggers
 * and indexes, rebuilds tables and saves stale rows. After each round the triggers are installed again and what was written
 * without them is repaired, as by `ops migrate` and `ops doctor --fix`; then nothing may contradict itself. Prunes in between.
 * Stops after a line, and prints what it did.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { shareHostModules } from '../../../src/host-modules.ts'
import { listen } from '../../support/listen.ts'
import { Random } from '../random.ts'

const [url, seed] = process.argv.slice(2)
shareHostModules()
const { Migrator } = await import('../migrator.ts')
const random = new Random(Number(seed))
const migrator = await Migrator.open(url!, random)
let isStopped = false

listen(() => {
  isStopped = true
})
while (!isStopped) {
  await migrator.round()
  await delay(random.between(100, 500))
}
console.log(JSON.stringify(await migrator.close()))
process.exit()
