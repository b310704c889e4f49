import { setTimeout as sleep } from 'node:timers/promises'
import { bootId, processEnvironment, processIds, processName, processStat } from './proc.ts'

/** Only what the kernel itself holds outlives SIGKILL, such as a read from a dead disk; nobody waits for that. */
const AFTER_KILL_MS = 2000

/** A process group as recorded: its number, and the start time of its leader, which tells it from a later group. */
export interface RecordedGroup {
  readonly id: number
  readonly startTime: number | undefined
}

/** The group that a process leads. */
export function groupLedBy(pid: number): RecordedGroup {
  return { id: pid, startTime: processStat(pid)?.startTime }
}

/** Whether a recorded group still has a process; a later group with its number does not count. */
export function isStillRunning({ id, startTime }: RecordedGroup): boolean {
  // After its leader is gone, the number stays with the group as long as one of its processes lives.
  const leader = processStat(id)?.startTime
  return !isGroupEmpty(id) && (leader === undefined || startTime === undefined || leader === startTime)
}

/** Of groups recorded during a boot, those that still run: after a reboot none does, whatever their numbers. */
export function stillRunning<Group extends RecordedGroup>(groups: readonly Group[], boot: string | undefined): Group[] {
  return boot === bootId() ? groups.filter(isStillRunning) : []
}

/** Whether there is a process of this number. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It runs as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Sends a signal to every process of a group; a group that has just gone is not an error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export function isGroupEmpty(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  // Dead processes count as members until their parent reads their status, which in some containers nobody does.
  const all = processIds()
  return all.length > 0 && membersOf(group, all).length === 0
}

/** The processes of a group, oldest first, with the names of their programs. Empty without /proc. */
export function groupMembers(group: number): { pid: number; name: string }[] {
  return membersOf(group).map((pid) => ({ pid, name: processName(pid) ?? 'gone' }))
}

function membersOf(group: number, all = processIds()): number[] {
  return all.filter((pid) => {
    const stat = processStat(pid)
    return stat?.group === group && stat.state !== 'Z' && stat.state !== 'X'
  })
}

/**
 * Waits until no process of a group is left. The first process alone says nothing: `npm run` ends as soon as it is
 * signaled, while the program it started still works.
 *
 * @returns whether the group is empty; false when the time was up first
 */
export async function isGroupEmptyWithin(group: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  // Most groups end at once; some take minutes, and each look reads all of /proc.
  for (let pauseMs = 10; !isGroupEmpty(group); pauseMs = Math.min(pauseMs * 1.3, 300)) {
    const left = deadline - performance.now()
    if (left <= 0) return false
    await sleep(Math.min(pauseMs, left))
  }
  return true
}

/** Ends process groups: SIGTERM, then SIGKILL for what is left after the grace period. Resolves when none is left. */
export async function endGroups(groups: readonly number[], graceMs: number): Promise<void> {
  await Promise.all(
    groups.map(async (group) => {
      signalGroup(group, 'SIGTERM')
      if (await isGroupEmptyWithin(group, graceMs)) return
      signalGroup(group, 'SIGKILL')
      await isGroupEmptyWithin(group, AFTER_KILL_MS)
    }),
  )
}

/**
 * The groups of all processes whose environment contains an entry, such as `OPS_RUN=…`. It finds children that a worker
 * had started but not yet recorded when it was killed, and those that created a group of their own. Empty without /proc.
 */
export function groupsWithEnvironment(entry: string): number[] {
  const groups = new Set<number>()
  for (const pid of processIds()) {
    const stat = processStat(pid)
    if (stat && stat.state !== 'Z' && processEnvironment(pid)?.includes(entry)) groups.add(stat.group)
  }
  return [...groups]
}
