import { appendFileSync, constants, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/*
 * A process of its own that outlives ops. It is told of each process group that ops starts; when ops is gone without a
 * good-bye, whatever ended it, the guardian stops what ops would have stopped, in the same order and with the same
 * patience. It imports nothing of ours, so that it is there quickly and cannot fail for want of anything.
 */

interface Ward {
  readonly name: string
  readonly group: number
  /** With the number it names the group for good. */
  readonly startTime: number | undefined
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
  /** It ends its own children when it is asked twice, and is killed only after that. */
  readonly yieldsWhenAskedTwice: boolean
  /** Those that are stopped before it. */
  readonly dependents: readonly string[]
  readonly output: {
    /** Has the two pipes that it writes into; see output-pipes.ts. */
    readonly directory: string
    /** Where its last words are kept. */
    readonly log: string | undefined
  }
}

export type GuardianMessage =
  /** A process with this entry in its environment is about to be made. */
  | { readonly expect: string; readonly as: Omit<Ward, 'group' | 'startTime'> }
  | { readonly guard: Ward; readonly expected: string }
  /** It has been sent its stop signal, and is not sent it again. */
  | { readonly asked: number }
  | { readonly release: number }
  | 'bye'

const wards = new Map<number, Ward>()
/** When groups were sent their stop signal, as `performance.now()` counts. */
const askedAt = new Map<number, number>()
const expected = new Map<string, Omit<Ward, 'group' | 'startTime'>>()

process.title = 'ops-guardian'
// What a terminal sends to everybody is not meant for the one who cleans up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line) as GuardianMessage
    if (message === 'bye') process.exit(0)
    if ('expect' in message) expected.set(message.expect, message.as)
    if ('guard' in message) {
      expected.delete(message.expected)
      wards.set(message.guard.group, message.guard)
    }
    if ('asked' in message) askedAt.set(message.asked, performance.now())
    if ('release' in message) {
      wards.delete(message.release)
      askedAt.delete(message.release)
    }
  })
  .on('close', () => void endAll())

async function endAll(): Promise<void> {
  // Made in the moment in which ops died, before it could say so.
  for (const [mark, ward] of expected) {
    for (const group of groupsWithMark(mark)) wards.set(group, { ...ward, group, startTime: undefined })
  }
  const all = [...wards.values()]
  const outputs = all.flatMap((ward) => ['stdout', 'stderr'].map((stream) => goOnReading(ward, stream)))
  await Promise.all(all.map(end))
  // A process that has left its group can hold them open for ever.
  await Promise.race([Promise.all(outputs), sleep(250)])
  for (const { output } of all) rmSync(output.directory, { recursive: true, force: true })
  process.exit(0)
}

/** A service that nobody reads would stand still as soon as its pipe is full. */
function goOnReading({ output: { directory, log } }: Ward, stream: string): Promise<void> {
  return new Promise((resolve) => {
    try {
      const fd = openSync(join(directory, stream), constants.O_RDONLY | constants.O_NONBLOCK)
      new Socket({ fd, writable: false })
        .on('data', (chunk) => keep(log, chunk))
        .on('error', () => {})
        .on('close', () => resolve())
    } catch {
      resolve()
    }
  })
}

function keep(log: string | undefined, chunk: Buffer): void {
  try {
    if (log !== undefined) appendFileSync(log, chunk)
  } catch {
    // The disk is full, or the folder gone: the services are stopped all the same.
  }
}

async function end(ward: Ward): Promise<void> {
  const isFirst = () => ![...wards.values()].some((other) => ward.dependents.includes(other.name) && lives(other))
  while (!isFirst()) await sleep(50)
  const asked = askedAt.get(ward.group)
  if (asked === undefined) signal(ward, ward.stopSignal)
  const waitedMs = asked === undefined ? 0 : performance.now() - asked
  if (await isGoneWithin(ward, ward.stopTimeoutMs - waitedMs)) return
  if (ward.yieldsWhenAskedTwice) {
    signal(ward, ward.stopSignal)
    if (await isGoneWithin(ward, 5000)) return
  }
  signal(ward, 'SIGKILL')
}

async function isGoneWithin(ward: Ward, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (let pauseMs = 20; lives(ward); pauseMs = Math.min(pauseMs * 1.5, 500)) {
    if (performance.now() >= deadline) return false
    await sleep(pauseMs)
  }
  return true
}

function signal(ward: Ward, name: NodeJS.Signals): void {
  try {
    if (lives(ward)) process.kill(-ward.group, name)
  } catch {
    // It has just gone.
  }
}

function lives({ group, startTime }: Ward): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  const leader = stat(String(group))
  if (leader !== undefined && startTime !== undefined && leader.startTime !== startTime) return false
  // Dead processes count as members until somebody has asked how they ended, which in some containers nobody does.
  const members = numbers().map(stat)
  return members.length === 0 || members.some((one) => one?.group === group && one.state !== 'Z')
}

/** None without /proc. */
function groupsWithMark(mark: string): number[] {
  return numbers().flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)) return []
      return stat(pid)?.group ?? []
    } catch {
      return []
    }
  })
}

function numbers(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** What proc(5) says of a process; its second field, a name in brackets, can itself hold brackets. */
function stat(pid: string): { state: string; group: number; startTime: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, group: Number(fields[2]), startTime: Number(fields[19]) }
  } catch {
    return undefined
  }
}
