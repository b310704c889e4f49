import { createInterface } from 'node:readline/promises'
import { exitStatus, OpsError, type Problem } from '../errors.ts'
import { formatCommand } from '../format.ts'
import { requireInstallable } from '../server/server-problems.ts'
import { systemdFailed } from '../systemd/systemctl.ts'

interface ServerChange {
  /** The name of the command. */
  readonly command: string
  /** Its arguments. */
  readonly argv: readonly string[]
  readonly flags: { readonly user: boolean; readonly yes: boolean }
  readonly problems?: readonly Problem[]
  readonly hasSystemd: boolean
}

/**
 * Checks that a server can be changed, and asks for confirmation.
 *
 * @returns false if the user declined
 * @throws OpsError if the change is impossible here, or there is no terminal to ask on
 */
export async function confirmServerChange(change: ServerChange): Promise<boolean> {
  const { command, argv, flags, problems = [], hasSystemd } = change
  if (!flags.user && process.getuid?.() !== 0) {
    // The whole command line: sudo has its own PATH, which often has another node or none.
    const asRoot = formatCommand('sudo', process.execPath, process.argv[1]!, command, ...argv)
    throw new OpsError('NEEDS_ROOT', `ops ${command} must run as root, to write to /etc and control systemd.`, {
      exit: exitStatus.usage,
      suggestions: [asRoot, 'use user units: --user'],
    })
  }
  requireInstallable(problems)
  if (!hasSystemd) throw noSystemd(flags.user)
  if (flags.yes) return true
  if (process.stdin.isTTY && process.stderr.isTTY) return ask('Continue?')
  throw new OpsError('NEEDS_CONSENT', 'Cannot ask for confirmation without a terminal; nothing was changed.', {
    exit: exitStatus.usage,
    suggestions: ['show the plan: --dry-run', 'confirm it: --yes'],
  })
}

function noSystemd(isUser: boolean): OpsError {
  const reason = isUser ? "this user's systemd does not answer" : 'systemd does not answer on this machine'
  return systemdFailed('connecting to systemd', reason, [
    ...(isUser ? ['log in as this user with ssh or machinectl shell; su and sudo start no session'] : []),
    'show what would change: --dry-run',
    'write the files to a folder: --prefix <folder>',
  ])
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
