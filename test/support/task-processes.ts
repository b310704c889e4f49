import { readdirSync, readFileSync } from 'node:fs'
import { processStat } from '../../src/platform/proc.ts'

/** The processes that live of the tasks of a project, by the environment that ops gives them. */
export function taskProcesses(projectDirectory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`OPS_PROJECT=${projectDirectory}`))
    .map(Number)
    .filter((pid) => processStat(pid)?.state !== 'Z')
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
