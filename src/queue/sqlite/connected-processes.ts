import { statSync } from 'node:fs'
import { fileLocks } from '../../platform/proc.ts'

/** The byte of the shared-memory file on which every open connection holds a shared lock (sqlite.org/walformat.html). */
const CONNECTED_BYTE = 128

/**
 * The processes that have the database open, from the kernel's list of locks in /proc/locks.
 *
 * @returns undefined if there is no such list
 */
export function connectedProcesses(databasePath: string): number[] | undefined {
  try {
    const { ino } = statSync(`${databasePath}-shm`)
    return fileLocks()
      ?.filter(([, , , , , file, from, to]) => file?.endsWith(`:${ino}`) && covers(from, to))
      .map(([, , , , pid]) => Number(pid))
  } catch {
    return undefined
  }
}

function covers(from: string | undefined, to: string | undefined): boolean {
  return Number(from) <= CONNECTED_BYTE && (to === 'EOF' || Number(to) >= CONNECTED_BYTE)
}
