import type { StillStopping } from '../development/service-report.ts'
import { formatDuration } from '../format.ts'

/** Who is waited for while services stop, and for how long: `waiting for api (node 4711; killed in 8s)`. */
export function stoppingLine(services: readonly StillStopping[], wayOut = 'Ctrl-C again to force'): string {
  // Those that are not asked yet wait themselves, for those that are.
  const asked = services.filter(({ forcedInMs }) => forcedInMs !== undefined)
  const others = services.length - asked.length
  const shown = asked.map(one)
  if (others > 0) shown.push(`${others} more after ${asked.length === 1 ? 'it' : 'them'}`)
  return `waiting for ${shown.join(' · ')}; ${wayOut}`
}

const mostProcesses = 4

function one({ name, task, processes, forcedInMs = 0 }: StillStopping): string {
  const shown = processes.slice(0, mostProcesses).map((process) => `${process.name} ${process.pid}`)
  if (processes.length > mostProcesses) shown.push(`${processes.length - mostProcesses} more`)
  const who = [...(shown.length > 0 ? [shown.join(', ')] : []), `killed in ${wholeSeconds(forcedInMs)}`].join('; ')
  return `${name}${task === undefined ? '' : `, which finishes ${task}`} (${who})`
}

function wholeSeconds(milliseconds: number): string {
  return formatDuration(Math.max(1, Math.ceil(milliseconds / 1000)) * 1000).replace('.0 s', ' s')
}
