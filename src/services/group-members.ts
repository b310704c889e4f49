import { readdirSync, readFileSync } from 'node:fs'
import { processStat } from '../processes/process-stat.ts'

/** The processes of a group, the first ones first, by the names that `ps` shows. None without /proc. */
export function groupMembers(group: number): { pid: number; name: string }[] {
  return processIds().flatMap((pid) => {
    const stat = processStat(pid)
    return stat?.group === group && stat.state !== 'Z' ? [{ pid, name: nameOf(pid) }] : []
  })
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'gone'
  }
}
