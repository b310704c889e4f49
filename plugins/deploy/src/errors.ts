import { OpsError, TaskError } from '@ops-cli/core'

/** Why a deployment failed, one line each, as it stands in the task's `error` column. */

/** A program that did not succeed. */
export class ProgramError extends TaskError {
  readonly exitCode: number | undefined
  /** The end of what it said. */
  readonly lines: readonly string[]
  constructor(
    program: string,
    end: { exitCode?: number | undefined; signal?: string | undefined; problem?: string | undefined },
    lines: readonly string[],
  ) {
    const how =
      end.exitCode !== undefined
        ? `failed with exit code ${end.exitCode}`
        : end.signal !== undefined
          ? `was ended by ${end.signal}`
          : `could not be run (${end.problem ?? 'for no reason that is known'})`
    super(`${program} ${how}${lines.length > 0 ? `: ${lines.join(' | ')}` : ''}`)
    this.exitCode = end.exitCode
    this.lines = lines
  }
}

/** A command of the settings that failed. */
export class CommandFailedError extends TaskError {
  constructor(command: string, failure: ProgramError) {
    super(`\`${inOneLine(command)}\` ${failure.message.replace(/^\S+ /, '')}`)
  }
}

export class UnknownEnvironmentError extends OpsError {
  constructor(name: string, known: readonly string[], meant: string | undefined) {
    const hint =
      meant !== undefined
        ? `did you mean "${meant}"? There are: ${known.join(', ')}`
        : known.length > 0
          ? `there are: ${known.join(', ')}`
          : 'there are none yet; add it under "plugins.deploy.environments" in the configuration'
    super('UNKNOWN_ENVIRONMENT', `"${name}" is no environment; ${hint}`, { exit: 2 })
  }
}

/** A change of an environment that could not be made. */
export class TargetError extends OpsError {
  /** Whether it was refused before anything was changed. */
  readonly isRefusal: boolean
  constructor(message: string, { isRefusal = false } = {}) {
    super('ENVIRONMENT_UNUSABLE', message)
    this.isRefusal = isRefusal
  }
}

export class HostUnreachableError extends OpsError {
  constructor(host: string, complaint: string) {
    const hint = /host key|known_hosts/i.test(complaint)
      ? `; put its key where ssh looks for it: ssh-keyscan ${host.split('@').at(-1)} >> known_hosts, and name that file in "knownHosts"`
      : /permission denied/i.test(complaint)
        ? '; give the worker a key that the host accepts ("ssh": ["-i", "<file>"])'
        : ''
    super('HOST_UNREACHABLE', `${host} cannot be reached by ssh: ${complaint}${hint}`)
  }
}

export class ProgramMissingError extends OpsError {
  constructor(program: string, path: string | undefined) {
    super(
      'PROGRAM_MISSING',
      `${program} is not installed on this machine, or not in the worker's PATH (${path ?? 'which is not set'})`,
    )
  }
}

export class NoArtifactError extends TaskError {
  constructor(build: number) {
    super(`build ${build} kept no artifact; name what it makes in "plugins.build.artifact", and build again`)
  }
}

export class ArtifactGoneError extends TaskError {
  constructor(build: number, path: string) {
    super(`the artifact of build ${build} is not on this machine any more (${path}); build again`)
  }
}

export class ArtifactChangedError extends TaskError {
  constructor(build: number, expected: string, got: string) {
    super(
      `the artifact of build ${build} is not what was built: its sha256 is ${got.slice(0, 12)}…, and the build recorded ${expected.slice(0, 12)}…; build again`,
    )
  }
}

export class UnsafeArtifactError extends TaskError {
  constructor(build: number, member: string) {
    super(`the artifact of build ${build} would write outside of its release: "${member}"`)
  }
}

export class NoSuchReleaseError extends TaskError {
  constructor(environment: string, wanted: number | undefined, there: readonly number[]) {
    const list = there.length > 0 ? `there are: ${there.join(', ')}` : 'there are none'
    super(
      wanted === undefined
        ? `${environment} has no earlier release that worked; name one with "toRelease" (${list})`
        : `${environment} has no release ${wanted}; ${list}`,
    )
  }
}

export class AlreadyCurrentError extends TaskError {
  constructor(environment: string, release: number) {
    super(`release ${release} is the current one of ${environment} already`)
  }
}

export class UnhealthyError extends TaskError {
  constructor(what: string, seconds: string, last: string) {
    super(`${what} was not healthy within ${seconds}: ${last}`)
  }
}

/** A release that did not work; says what runs now. */
export class ReleaseFailedError extends TaskError {
  constructor(release: number, why: Error, now: string) {
    super(`release ${release} failed: ${why.message}; ${now}`, { cause: why })
  }
}

function inOneLine(command: string): string {
  const line = command.trim().replaceAll(/\s*\n\s*/g, '; ')
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}
