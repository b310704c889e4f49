import { readFileSync } from 'node:fs'

/** Whether the system tells. */
export const hasProc = process.platform === 'linux'

/** The most memory that a process has had, in MB. */
export function peakMemory(pid: number): number {
  if (!hasProc) return 0
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)
}
