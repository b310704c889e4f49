import { readFileSync } from 'node:fs'
import { afterAll, beforeAll } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** Seconds of a processor that a file has taken, with the processes that it has started and that have ended. */
    cpuSeconds?: number
  }
}

let before = 0

beforeAll(() => {
  before = cpuSeconds()
})

// biome-ignore lint/correctness/noEmptyPattern: Vitest hands over fixtures first, and there are none
afterAll(({}, file) => {
  file.meta.cpuSeconds = cpuSeconds() - before
})

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + childrenSeconds()
}

/** proc_pid_stat(5): utime and stime of children that were waited for, in hundredths of a second. */
function childrenSeconds(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[13]) + Number(fields[14])) / 100
  } catch {
    return 0
  }
}
