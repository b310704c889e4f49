import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { processStat } from './process-stat.ts'

/** How often a group that was asked to end is looked at. */
const LOOK_EVERY_MS = 20

/** Nothing outlives SIGKILL but what the kernel itself holds, such as a read from a dead disk; that is not waited for. */
const AFTER_KILL_MS = 2000

/** Sends a signal to every process of a group; a group that has just gone is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Waits until no process of a group is left. The first process alone tells nothing: `npm run` ends at once when it is
 * signaled, while the program that it started still works.
 *
 * @returns whether the group is empty; false when the time or `until` ended the wait
 */
export async function isGroupEmptyWithin(group: number, timeoutMs: number, until?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!isGroupEmpty(group)) {
    if (performance.now() >= deadline || until?.aborted) return false
    await sleep(LOOK_EVERY_MS)
  }
  return true
}

export function isGroupEmpty(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  return process.platform === 'linux' && hasOnlyZombies(group)
}

/** Ends process groups: SIGTERM, then SIGKILL for what is left after the grace. Resolves when none is left. */
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

/** Dead processes count as members until their parent has read their status, which in some containers nobody does. */
function hasOnlyZombies(group: number): boolean {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .every((pid) => {
      const stat = processStat(Number(pid))
      return stat?.group !== group || stat.state === 'Z' || stat.state === 'X'
    })
}
