import { dirname } from 'node:path'
import {
  type ExecError,
  formatExit,
  lastLines,
  logLength,
  programEnvironment,
  type TaskContext,
  TaskError,
} from '@ops-cli/core'
import type { Repository } from './repository.ts'
import type { Settings } from './settings.ts'

/** git's own complaint. What it means is for the caller to say. */
export class GitError extends Error {}

/** git for one task and one repository. Both throw GitError. */
export interface Git {
  /** Runs a command that may take long, with its output in the task's log. */
  run(...args: string[]): Promise<void>
  /** Returns what git prints. */
  ask(...args: string[]): Promise<string>
}

export function gitFor(repository: Repository, context: TaskContext<Settings>): Git {
  const { log, signal, logFile, workDirectory: cwd } = context
  const env = gitEnvironment(context.settings, repository, cwd)

  async function git(args: readonly string[], { buffer }: { buffer: boolean }): Promise<string> {
    const start = await logLength(logFile)
    try {
      const { stdout } = await context.exec('git', args, { cwd, env, extendEnv: false, buffer })
      return stdout
    } catch (error) {
      signal.throwIfAborted()
      const failure = error as ExecError
      if (failure.code === 'ENOENT') throw new TaskError(`git not found on the PATH (${env.PATH}); install git`)
      const complaint = failure.exitCode
        ? (findComplaint(await lastLines(logFile, start, { count: 100 })) ?? 'git gave no reason')
        : `git ${formatExit(failure)}`
      throw new GitError(complaint, { cause: error })
    }
  }

  return {
    ask: (...args) => git(args, { buffer: true }),
    async run(...args) {
      log(`$ git ${formatArguments(args)}`)
      await git(args, { buffer: false })
    },
  }
}

/** The line of git's output that says what is wrong; the last ones are often advice. */
function findComplaint(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((line) => line.startsWith('fatal: '))
  // This one says nothing; the line of ssh or of the server comes before it.
  if (at > 0 && lines[at]!.includes('Could not read from remote repository')) return lines[at - 1]!.trim()
  const line = lines[at] ?? lines.findLast((line) => /^(error|remote): /.test(line)) ?? lines.at(-1)
  return line?.replace(/^(fatal|error): /, '').trim()
}

/** As a person would type them: without those that are there for safety only. */
function formatArguments(args: readonly string[]): string {
  return args.filter((arg, at) => arg !== '--' && arg !== '--upload-pack' && args[at - 1] !== '--upload-pack').join(' ')
}

/** Variables that git, ssh and libcurl read: keys, proxies, certificates, the user's configuration. */
const PASSED = [
  'SSH_AUTH_SOCK',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_SSL_CAINFO',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'XDG_CONFIG_HOME',
  ...['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]),
]

/** The whole environment of git: nothing of a surrounding repository (`GIT_DIR` in a hook), and no way to prompt. */
function gitEnvironment(
  settings: Pick<Settings, 'env' | 'passEnv'>,
  { path, credential }: Pick<Repository, 'path' | 'credential'>,
  cwd: string,
): Record<string, string> {
  const config = {
    'advice.detachedHead': 'false',
    // Maintenance in the background would outlive the task.
    'gc.autoDetach': 'false',
    'maintenance.autoDetach': 'false',
    // git refuses submodules on this machine by default; here the operator chose a path anyway.
    ...(path !== undefined && { 'protocol.file.allow': 'always' }),
    // For its own host only: submodules of others get nothing.
    ...(credential && { [`credential.${credential.origin}.helper`]: CREDENTIAL_HELPER }),
  }
  return {
    ...(credential && { OPS_GIT_USERNAME: credential.username, OPS_GIT_PASSWORD: credential.password }),
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...programEnvironment(PASSED),
    GIT_TERMINAL_PROMPT: '0',
    // An empty value overrides core.askPass, which could open a window.
    GIT_ASKPASS: '',
    GCM_INTERACTIVE: 'never',
    ...programEnvironment(settings.passEnv),
    ...settings.env,
    // Its messages are parsed and shown.
    LC_ALL: 'C',
    // The state directory may be inside a repository, whose configuration must not apply.
    GIT_CEILING_DIRECTORIES: dirname(cwd),
    ...configVariables(config),
  }
}

/** gitcredentials(7). A shell function, so that the password is in no argument of a program either. */
const CREDENTIAL_HELPER =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$OPS_GIT_USERNAME" "$OPS_GIT_PASSWORD"; }; f'

/** Configuration for one call: GIT_CONFIG_COUNT of git-config(1). */
function configVariables(config: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = Object.entries(config).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(pairs.length / 2), ...Object.fromEntries(pairs) }
}
