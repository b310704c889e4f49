import { ask } from '../output/ask.ts'
import {
  CannotInstallError,
  ForeignFileError,
  NeedsConsentError,
  NeedsRootError,
  SystemdFailedError,
} from '../systemd/systemd-errors.ts'

interface Wish {
  /** The command, for messages. */
  readonly what: string
  readonly flags: { readonly user: boolean; readonly yes: boolean }
  /** What stood behind the command. */
  readonly argv: readonly string[]
  readonly problems?: readonly string[]
  readonly installation: { readonly hasSystemd: boolean; readonly plan?: { readonly foreign: readonly string[] } }
}

/**
 * Sees that a server may be changed: by somebody who has the right to, and wants it.
 *
 * @returns false when the person who was asked said no
 * @throws OpsError when it cannot be done here, or nobody can be asked
 */
export async function mayChangeServer({ what, flags, argv, problems = [], installation }: Wish): Promise<boolean> {
  const { hasSystemd, plan } = installation
  if (!flags.user && process.getuid?.() !== 0) {
    // The whole command: sudo has a PATH of its own, which often finds another node or none.
    throw new NeedsRootError(what, [process.execPath, process.argv[1]!, what.split(' ')[1]!, ...argv])
  }
  if (plan && plan.foreign.length > 0) throw new ForeignFileError(plan.foreign)
  if (problems.length > 0) throw new CannotInstallError(problems, ['look at the whole plan: --dry-run'])
  if (!hasSystemd) {
    const whose = flags.user ? 'that of this user does not answer' : 'none answers on this machine'
    throw new SystemdFailedError('asking systemd', whose, [
      ...(flags.user ? ['log in as this user, by ssh or machinectl shell: su and sudo begin no session'] : []),
      'look at what would be installed: --dry-run',
      'or write it below a folder: --prefix <folder>',
    ])
  }
  if (flags.yes) return true
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new NeedsConsentError()
  return ask('Do this?')
}
