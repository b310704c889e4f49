import { exitStatus, OpsError } from '../errors.ts'
import { formatCommand } from '../format.ts'

/** What stands against an installation on this machine: everything at once. */
export class CannotInstallError extends OpsError {
  readonly problems: readonly string[]
  constructor(problems: readonly string[], suggestions: readonly string[]) {
    super('CANNOT_INSTALL', `The units cannot be installed:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, {
      suggestions,
    })
    this.problems = problems
  }
}

export class NeedsRootError extends OpsError {
  constructor(what: string, command: readonly string[]) {
    super('NEEDS_ROOT', `${what} needs root: it writes to /etc, and asks the systemd of the machine.`, {
      exit: exitStatus.usage,
      suggestions: [formatCommand('sudo', ...command), 'or work with units of your own user: --user'],
    })
  }
}

export class NeedsConsentError extends OpsError {
  constructor() {
    super('NEEDS_CONSENT', 'Nobody can be asked here, and nothing was changed.', {
      exit: exitStatus.usage,
      suggestions: ['look at the plan: --dry-run', 'then let it be done: --yes'],
    })
  }
}

export class ForeignFileError extends OpsError {
  constructor(files: readonly string[]) {
    super(
      'FOREIGN_FILE',
      `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} there already and not by ops, so nothing was changed.`,
      {
        suggestions: ['give the project another name in its configuration, or move the file away'],
      },
    )
  }
}

export class SystemdFailedError extends OpsError {
  constructor(what: string, said: string, suggestions: readonly string[] = []) {
    super('SYSTEMD_FAILED', `${what} failed: ${said.trim() || 'systemd does not say why'}`, { suggestions })
  }
}

/** A unit did not become ready; the previous state is back. */
export class UnitNotReadyError extends OpsError {
  constructor(unit: string, how: string, rolledBack: string) {
    super('UNIT_NOT_READY', `${unit} ${how}. ${rolledBack}`, {
      suggestions: ['its last lines in the journal are above', `all of them: journalctl -u ${unit}`],
    })
  }
}

export class UrlUnreadableError extends OpsError {
  constructor(file: string) {
    super('URL_UNREADABLE', `The URL of the database is in ${file}, which this user may not read.`, {
      suggestions: ['ask as root: sudo', 'or say it: OPS_DATABASE_URL=…'],
    })
  }
}

export class NotInstalledError extends OpsError {
  constructor(project: string, manifest: string) {
    super('NOT_INSTALLED', `Nothing of "${project}" is installed here: there is no ${manifest}.`)
  }
}
