/** Drains no-op jobs with plainjob, as its own benchmark does. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { better, defineQueue, defineWorker } from 'plainjob'
import { type ContenderOptions, warmUp } from '../contender.ts'

const { n, synchronous } = JSON.parse(process.argv[2]!) as ContenderOptions

const directory = mkdtempSync(join(tmpdir(), 'plainjob-bench-'))
const database = new Database(join(directory, 'queue.db'))
const quiet = { error() {}, warn() {}, info() {}, debug() {} }
const queue = defineQueue({ connection: better(database), logger: quiet })
database.pragma(`synchronous = ${synchronous}`)
queue.addMany(
  'noop',
  Array.from({ length: n + warmUp }, (_, index) => ({ n: index })),
)
let done = 0
let startedAt = 0
let cpu = process.threadCpuUsage()
const milliseconds = await new Promise<number>((resolve) => {
  const worker = defineWorker(
    'noop',
    async () => {
      done += 1
      if (done === warmUp) {
        startedAt = performance.now()
        cpu = process.threadCpuUsage()
      }
      if (done === n + warmUp) resolve(performance.now() - startedAt)
    },
    { queue, logger: quiet, onCompleted: () => void (done === n + warmUp && worker.stop()) },
  )
  void worker.start()
})
const used = process.threadCpuUsage(cpu)
console.log(JSON.stringify({ perSecond: n / (milliseconds / 1000), 'core, µs': (used.user + used.system) / n }))
rmSync(directory, { recursive: true })
process.exit(0)
