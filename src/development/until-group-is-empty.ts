import { setTimeout as sleep } from 'node:timers/promises'
import { isGroupEmpty } from '../platform/process-group.ts'

/**
 * Waits until no process of a group is left. The first process alone tells nothing: `npm run` ends at once when it is
 * signaled, while the program that it started still works.
 */
export async function untilGroupIsEmpty(group: number): Promise<void> {
  // Most end at once; a task may take minutes, and each look at it reads all of /proc.
  for (let pauseMs = 10; !isGroupEmpty(group); pauseMs = Math.min(pauseMs * 1.3, 300)) await sleep(pauseMs)
}
