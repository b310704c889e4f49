import { readFileSync } from 'node:fs'

/** Whether the system has /proc. */
export const hasProc = process.platform === 'linux'

/** The peak memory of a process in MB; 0 if unknown. */
export function peakMemory(pid: number): number {
  if (!hasProc) return 0
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)
}
