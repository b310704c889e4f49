import type { PlannedService } from '../development/planned-service.ts'
import { command, type Directive } from '../systemd/directive.ts'
import type { ServerService, ServerSetup } from './server-setup.ts'

/** What waits at the start of a unit until the service answers: `ops wait-ready`, by the probe of development. */
export function readyCommand(
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
      // Who reads the journal needs a group that the service itself must not have. So this one step begins as root,
      // which does nothing but become the user with that group; nothing of the project runs as root.
      const become = ['--reuid', allow.user ?? user!, '--regid', 'systemd-journal', '--init-groups', '--no-new-privs']
      return command(['/usr/bin/setpriv', ...become, '--bounding-set=-all', '--inh-caps=-all', ...argv], '+')
    }
  }
}

export function readyTimeoutMs({ probe }: PlannedService): number {
  return probe?.timeoutMs ?? 80_000
}

function argvOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-c', command] : command
}
