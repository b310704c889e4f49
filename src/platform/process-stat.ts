import { readFileSync } from 'node:fs'

/** What proc(5) says of a process. */
export interface ProcessStat {
  /** One letter: `Z` is a process that has ended and whose parent has not asked how. */
  readonly state: string
  readonly group: number
  /** In clock ticks since boot: with the pid it names a process for good. */
  readonly startTime: number
}

/** Undefined when there is no such process, or no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, a name in brackets, can itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, group: Number(fields[2]), startTime: Number(fields[19]) }
  } catch {
    return undefined
  }
}
