import { appendFileSync, constants, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { groupsWithEnvironment, isStillRunning, type RecordedGroup, signalGroup } from '../platform/process-group.ts'

/*
 * A separate process that outlives ops. It is told of each process group that ops starts; when ops is gone without
 * dismissing it, whatever the cause, it stops what ops would have stopped, in the same order and with the same timeouts.
 * It loads only what reads /proc and Node itself: it has to be there early, and nothing may be missing later.
 */

export interface GuardedService {
  readonly name: string
  readonly group: RecordedGroup
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
  /** A second stop signal makes it end its own children; it is killed only after that. */
  readonly stopsOnSecondSignal: boolean
  /** Those that stop before it. */
  readonly dependents: readonly string[]
  readonly output: {
    /** Contains its two output pipes; see start-process.ts. */
    readonly directory: string
    /** Where its last output is kept. */
    readonly log: string | undefined
  }
}

export type GuardianMessage =
  /** A process with this entry in its environment is about to be created. */
  | { readonly expect: string; readonly as: Omit<GuardedService, 'group'> }
  | { readonly guard: GuardedService; readonly expected: string }
  /** A group has been sent its stop signal, and is not sent it again. */
  | { readonly signaled: number }
  | { readonly release: number }
  | 'dismiss'

const guarded = new Map<number, GuardedService>()
/** When groups were sent their stop signal, as `performance.now()` counts. */
const signaledAt = new Map<number, number>()
const expected = new Map<string, Omit<GuardedService, 'group'>>()

process.title = 'ops-guardian'
// What a terminal sends to all its processes is not meant for this one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line) as GuardianMessage
    if (message === 'dismiss') process.exit(0)
    if ('expect' in message) expected.set(message.expect, message.as)
    if ('guard' in message) {
      expected.delete(message.expected)
      guarded.set(message.guard.group.id, message.guard)
    }
    if ('signaled' in message) signaledAt.set(message.signaled, performance.now())
    if ('release' in message) {
      guarded.delete(message.release)
      signaledAt.delete(message.release)
    }
  })
  .on('close', () => void stopAll())

async function stopAll(): Promise<void> {
  // Created at the moment ops died, before it could tell.
  for (const [mark, service] of expected) {
    for (const id of groupsWithEnvironment(mark)) guarded.set(id, { ...service, group: { id, startTime: undefined } })
  }
  const all = [...guarded.values()]
  const outputs = all.flatMap((service) => ['stdout', 'stderr'].map((stream) => keepReading(service, stream)))
  await Promise.all(all.map(stop))
  // A process that left its group can hold them open forever.
  await Promise.race([Promise.all(outputs), sleep(250)])
  for (const { output } of all) rmSync(output.directory, { recursive: true, force: true })
  process.exit(0)
}

/** A service whose output nobody reads would block as soon as its pipe is full. */
function keepReading({ output: { directory, log } }: GuardedService, stream: string): Promise<void> {
  return new Promise((resolve) => {
    try {
      const fd = openSync(join(directory, stream), constants.O_RDONLY | constants.O_NONBLOCK)
      new Socket({ fd, writable: false })
        .on('data', (chunk) => append(log, chunk))
        .on('error', () => {})
        .on('close', () => resolve())
    } catch {
      resolve()
    }
  })
}

function append(log: string | undefined, chunk: Buffer): void {
  try {
    if (log !== undefined) appendFileSync(log, chunk)
  } catch {
    // The disk is full, or the folder is gone: the services are stopped all the same.
  }
}

async function stop(service: GuardedService): Promise<void> {
  while (hasDependents(service)) await sleep(50)
  const signaled = signaledAt.get(service.group.id)
  if (signaled === undefined) signal(service, service.stopSignal)
  const waitedMs = signaled === undefined ? 0 : performance.now() - signaled
  if (await isGoneWithin(service, service.stopTimeoutMs - waitedMs)) return
  if (service.stopsOnSecondSignal) {
    signal(service, service.stopSignal)
    if (await isGoneWithin(service, 5000)) return
  }
  signal(service, 'SIGKILL')
}

function hasDependents({ dependents }: GuardedService): boolean {
  return [...guarded.values()].some(({ name, group }) => dependents.includes(name) && isStillRunning(group))
}

async function isGoneWithin({ group }: GuardedService, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (let pauseMs = 20; isStillRunning(group); pauseMs = Math.min(pauseMs * 1.5, 500)) {
    if (performance.now() >= deadline) return false
    await sleep(pauseMs)
  }
  return true
}

function signal({ group }: GuardedService, name: NodeJS.Signals): void {
  try {
    if (isStillRunning(group)) signalGroup(group.id, name)
  } catch {
    // It belongs to another user by now.
  }
}
