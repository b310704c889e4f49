import { type ExecError, TaskError } from '@ops-cli/core'

/** Why a build failed, one line each, as it stands in the task's `error` column. */

export class InvalidRepositoryError extends TaskError {
  constructor(repository: string, problem: string) {
    super(`"${repository}" cannot be a repository: ${problem}; expected a git URL or a path`)
  }
}

export class RepositoryUnreadableError extends TaskError {
  constructor(repository: string, complaint: string) {
    super(`"${repository}" cannot be read: ${complaint}`)
  }
}

export class EmptyRepositoryError extends TaskError {
  constructor(repository: string) {
    super(`"${repository}" has no commits yet; push one, then retry the build`)
  }
}

export class NoHeadError extends TaskError {
  constructor(repository: string, branches: readonly string[]) {
    super(`"${repository}" has no HEAD, its default branch does not exist; set "ref" to one of: ${branches.join(', ')}`)
  }
}

export class RefNotFoundError extends TaskError {
  constructor(repository: string, ref: string, branches: readonly string[]) {
    const hint = branches.length > 0 ? `; its branches are, the nearest first: ${branches.join(', ')}` : ''
    super(`"${repository}" has no branch, tag or commit "${ref}"${hint}`)
  }
}

export class AmbiguousRefError extends TaskError {
  constructor(repository: string, ref: string) {
    super(`"${ref}" stands for several commits of "${repository}"; write more of its digits`)
  }
}

/** The mirror lacks what its own refs name. Never reaches a task: the mirror is cloned anew. */
export class MirrorBrokenError extends Error {}

/** What git itself said. Given its meaning by whoever called git. */
export class GitError extends Error {}

export class GitMissingError extends TaskError {
  constructor(path: string | undefined) {
    super(
      `git is not installed on this machine, or not in the worker's PATH (${path ?? 'which is not set'}); install git`,
    )
  }
}

export class CheckoutFailedError extends TaskError {
  constructor(what: string, complaint: string, cause: unknown) {
    super(`${what} cannot be checked out: ${complaint}`, { cause })
  }
}

export class UnknownBuildError extends TaskError {
  constructor(looked: readonly string[]) {
    super(
      `there is nothing known to build: looked for ${looked.join(', ')}; set the task's "command" or "plugins.build.command" in the configuration`,
    )
  }
}

export class InvalidManifestError extends TaskError {
  constructor(file: string, cause: unknown) {
    super(`${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

export class CommandFailedError extends TaskError {
  constructor(command: string, end: ExecError, lastLines: readonly string[]) {
    const how = end.exitCode
      ? `failed with exit code ${end.exitCode}`
      : end.signal
        ? `was ended by ${end.signal}`
        : `could not be run (${end.originalMessage})`
    super(`\`${inOneLine(command)}\` ${how}${lastLines.length > 0 ? `: ${lastLines.join(' | ')}` : ''}`)
  }
}

export class ArtifactMissingError extends TaskError {
  constructor(path: string) {
    super(`the build left no "${path}"; set "plugins.build.artifact" to what it makes, or to false to keep nothing`)
  }
}

function inOneLine(command: string): string {
  const line = command.trim().replaceAll(/\s*\n\s*/g, '; ')
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}
