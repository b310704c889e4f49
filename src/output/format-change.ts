import { formatProbe } from '../development/planned-service.ts'
import type { ServiceChange } from '../development/service-reporter.ts'
import { formatDuration, formatExit, oneLine } from '../format.ts'

/** What follows the name of a service: `ready in 261 ms`. */
export function formatChange(change: ServiceChange): string {
  return oneLine(describeChange(change))
}

function describeChange(change: ServiceChange): string {
  switch (change.state) {
    case 'waiting':
      return `waiting for ${change.dependencies.join(', ')}`
    case 'starting':
      return change.probe === undefined ? 'starting' : `waiting for ${formatProbe(change.probe)}`
    case 'ready':
    case 'completed':
      return `${change.state} in ${formatDuration(change.durationMs)}`
    case 'restarting':
      return formatRestart(change)
    case 'exited':
      return formatExit(change.exit)
    case 'failed':
      return formatFailure(change)
    case 'killed':
      return `killed after ${formatDuration(change.durationMs)} without stopping`
    default:
      return change.state
  }
}

function formatFailure({ error, exit, probe }: Extract<ServiceChange, { state: 'failed' }>): string {
  if (exit !== undefined) return formatExit(exit)
  if (probe === undefined) return `failed: ${error.message}`
  return `not ready within ${formatDuration(probe.timeoutMs)}; waited for ${formatProbe(probe)}`
}

function formatRestart(change: Extract<ServiceChange, { state: 'restarting' }>): string {
  if (!('exit' in change)) return change.reason === undefined ? 'restarting' : `restarting: ${change.reason}`
  const { exit, delayMs, failures, withinMs } = change
  const repeated = failures > 1 ? ` (${ordinal(failures)} time in ${formatDuration(withinMs)})` : ''
  return `${formatExit(exit)}; restarting in ${formatDuration(delayMs)}${repeated}`
}

function ordinal(count: number): string {
  return `${count}${['th', 'st', 'nd', 'rd'][count % 10] ?? 'th'}`
}
