import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import { parseDuration, toDurationText } from '../config/duration.ts'
import { formatProbe, type Probe } from '../development/planned-service.ts'
import { isReady } from '../development/readiness.ts'
import { exitStatus, OpsError } from '../errors.ts'
import { isRunning } from '../platform/process-group.ts'
import { LONGEST_TIMER_MS } from '../platform/stop.ts'
import { command, type Directive } from '../systemd/directive.ts'
import { followJournal } from '../systemd/systemctl.ts'
import type { ServerService, ServerSetup } from './server-setup.ts'

/** `ops wait-ready` for the start of a unit, with the probe of development. */
export function waitReadyCommand(
  { planned, allow }: ServerService,
  { node, ops, scope, user }: ServerSetup,
): Directive | undefined {
  const { probe } = planned
  if (probe === undefined) return undefined
  const wait = [node, ops, 'wait-ready', '--timeout', `${probe.timeoutMs}ms`]
  switch (probe.kind) {
    case 'http':
      return command([...wait, '--http', probe.url])
    case 'port':
      return command([...wait, '--port', String(probe.port)])
    case 'command':
      return command([...wait, '--', ...argvOf(probe.command)])
    case 'log': {
      const argv = [...wait, '--log', probe.pattern.source]
      if (scope === 'user') return command(argv)
      // Reading the journal needs a group that the service itself must not have. So this step starts as root, and only
      // to become the user with that group; nothing of the project runs as root.
      const become = ['--reuid', allow.user ?? user!, '--regid', 'systemd-journal', '--init-groups', '--no-new-privs']
      return command(['/usr/bin/setpriv', ...become, '--bounding-set=-all', '--inh-caps=-all', ...argv], '+')
    }
  }
}

function argvOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-c', command] : command
}

interface ProbeFlags {
  readonly http?: string | undefined
  readonly port?: number | undefined
  readonly log?: string | undefined
  readonly timeout: string
}

/** @throws OpsError `INVALID_PROBE` unless there is exactly one probe */
export function parseProbe({ http, port, log, timeout }: ProbeFlags, command: readonly string[]): Probe {
  const timeoutMs = parseDuration(timeout, '--timeout')
  const probes: Probe[] = [
    ...(http === undefined ? [] : [{ kind: 'http', url: http, timeoutMs } as const]),
    ...(port === undefined ? [] : [{ kind: 'port', port, timeoutMs } as const]),
    ...(log === undefined ? [] : [{ kind: 'log', pattern: new RegExp(log), timeoutMs } as const]),
    ...(command.length === 0 ? [] : [{ kind: 'command', command, timeoutMs } as const]),
  ]
  if (probes.length !== 1) {
    throw invalidProbe(`Expected exactly one of --http, --port, --log and a command, got ${probes.length}.`)
  }
  if (http !== undefined && !URL.canParse(http)) throw invalidProbe(`Expected a URL for --http, got "${http}".`)
  return probes[0]!
}

function invalidProbe(message: string): OpsError {
  return new OpsError('INVALID_PROBE', message, { exit: exitStatus.usage, suggestions: ['ops wait-ready --help'] })
}

const CHECK_PROCESS_EVERY_MS = 200

interface WaitOptions {
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** Waits until a service is ready, the time is over, or its process, which systemd names in MAINPID, has exited. */
export async function waitReady(
  probe: Probe,
  { env, cwd }: WaitOptions,
): Promise<{ isReady: boolean; message: string }> {
  const end = new AbortController()
  const late = `Not ready within ${toDurationText(probe.timeoutMs)}`
  const timeout = setTimeout(() => end.abort(late), Math.min(probe.timeoutMs, LONGEST_TIMER_MS))
  const main = Number(env.MAINPID)
  const processCheck = setInterval(
    () => main > 0 && !isRunning(main) && end.abort('The service exited before it was ready'),
    CHECK_PROCESS_EVERY_MS,
  )
  const output: EventEmitter<{ lines: [text: string] }> = new EventEmitter()
  const journal = probe.kind === 'log' ? followJournal(env) : undefined
  if (journal) createInterface({ input: journal.output }).on('line', (line) => output.emit('lines', line))
  try {
    const options = { output, cwd, env: env as Record<string, string>, signal: end.signal }
    const answered = await isReady(probe, options)
    return { isReady: answered, message: `${answered ? 'ready' : end.signal.reason}: ${formatProbe(probe)}` }
  } finally {
    clearTimeout(timeout)
    clearInterval(processCheck)
    journal?.end()
  }
}
