import { parseDuration } from '../config/duration.ts'
import type { Probe } from '../development/planned-service.ts'
import { exitStatus, OpsError } from '../errors.ts'

class InvalidProbeError extends OpsError {
  constructor(problem: string) {
    super('INVALID_PROBE', problem, { exit: exitStatus.usage, suggestions: ['see ops wait-ready --help'] })
  }
}

interface ProbeFlags {
  readonly http?: string | undefined
  readonly port?: number | undefined
  readonly log?: string | undefined
  readonly timeout: string
}

/** @throws InvalidProbeError unless exactly one thing to wait for is named */
export function parseProbe({ http, port, log, timeout }: ProbeFlags, command: readonly string[]): Probe {
  const timeoutMs = parseDuration(timeout, 'timeout')
  const probes: Probe[] = [
    ...(http === undefined ? [] : [{ kind: 'http', url: http, timeoutMs } as const]),
    ...(port === undefined ? [] : [{ kind: 'port', port, timeoutMs } as const]),
    ...(log === undefined ? [] : [{ kind: 'log', pattern: new RegExp(log), timeoutMs } as const]),
    ...(command.length === 0 ? [] : [{ kind: 'command', command, timeoutMs } as const]),
  ]
  if (probes.length !== 1) {
    throw new InvalidProbeError(
      `Expected exactly one of --http, --port, --log and a command to wait for, got ${probes.length}.`,
    )
  }
  if (http !== undefined && !URL.canParse(http)) throw new InvalidProbeError(`"${http}" is not a URL.`)
  return probes[0]!
}
