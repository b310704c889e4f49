import { execFileSync } from 'node:child_process'

/** The processes of a group that still run. Zombies do not count: in a container nothing may collect them. */
export function livingProcesses(group: string): string[] {
  const processes = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return processes.filter((line) => line.trim().startsWith(`${group} `) && !/^\s*\d+\s+Z/.test(line))
}
