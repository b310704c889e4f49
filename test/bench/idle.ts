/** `node test/bench/idle.ts [seconds]`: what `ops worker` costs while it has nothing to do. Needs /proc. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { print } from './interleave.ts'

const seconds = Number(process.argv[2] ?? 20)
const bin = process.env.OPS_BIN ?? join(import.meta.dirname, '..', '..', 'bin', 'run.js')
const cwd = mkdtempSync(join(tmpdir(), 'ops-idle-'))
const worker = execa(process.execPath, [bin, 'worker'], { cwd, stdout: 'ignore' })

/** User and system time together, in clock ticks of 10 ms. */
function ticks(): number {
  const stat = readFileSync(`/proc/${worker.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function megabytes(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8'))![1]) / 1024
}

await delay(4000)
const before = ticks()
await delay(seconds * 1000)
const percent = (ticks() - before) / seconds
print('An idle worker', [{ seconds, 'percent of a core': percent, 'resident MB': megabytes() }])
worker.kill('SIGTERM')
await worker
rmSync(cwd, { recursive: true })
