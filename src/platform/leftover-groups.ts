import { readdirSync, readFileSync } from 'node:fs'
import { isGroupEmpty } from './process-group.ts'
import { processStat } from './process-stat.ts'

/** A process group as it is recorded: its number, and the start time of its leader, by which the number is known again. */
export interface RecordedGroup {
  readonly id: number
  readonly startTime: number | undefined
}

/** Names the boot of this machine, so that a process of an earlier one is not mistaken. Undefined without /proc. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The group that a process leads. */
export function groupLedBy(pid: number): RecordedGroup {
  return { id: pid, startTime: processStat(pid)?.startTime }
}

/** Whether a recorded group still lives, and is not another one with its number. */
export function isSameGroup({ id, startTime: recorded }: RecordedGroup): boolean {
  // A leader that has gone leaves the number to its group as long as one process of it lives.
  const leader = processStat(id)?.startTime
  return !isGroupEmpty(id) && (leader === undefined || recorded === undefined || leader === recorded)
}

/**
 * The groups of all processes whose environment holds an entry, such as `OPS_RUN=…`. It finds children that a worker
 * had started but not yet recorded when it was killed, and those that made a group of their own. None without /proc.
 */
export function groupsWithEnvironment(entry: string): number[] {
  const groups = new Set<number>()
  for (const pid of processIds()) {
    const stat = processStat(Number(pid))
    if (stat && stat.state !== 'Z' && environmentOf(pid).includes(entry)) groups.add(stat.group)
  }
  return [...groups]
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** Empty for processes of other users, which only root may look at. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
