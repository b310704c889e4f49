import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { processStat } from '../platform/process-stat.ts'

/** The processes of a group, the first ones first, by the names of their programs. None without /proc. */
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

/** The program; what `comm` says is the name of a thread, and of Node's that is "MainThread". */
function nameOf(pid: number): string {
  try {
    const [program] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return program ? basename(program) : readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'gone'
  }
}
