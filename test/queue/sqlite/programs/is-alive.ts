/** `is-alive.ts <file> <worker>`: prints whether a worker is alive. */

import { WorkerLocks } from '../../../../src/queue/sqlite/worker-lock.ts'

const [file, id] = process.argv.slice(2)
console.log(String(new WorkerLocks(file!).isHeld(id!)))
