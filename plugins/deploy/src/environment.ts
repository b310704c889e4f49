import { join, resolve } from 'node:path'
import { didYouMean, formatFailure, OpsError, programEnvironment, type TaskContext, TaskError } from '@ops-cli/core'
import * as v from 'valibot'
import type { ReleaseInfo } from './releases.ts'
import { ProgramError, type Runner, standaloneRunner, taskRunner } from './runner.ts'
import type { EnvironmentSettings, Settings } from './settings.ts'
import { localShell, sshShell } from './shell.ts'
import { Target } from './target.ts'

/** The limit of a command that only reads, wherever the environment is. */
const READ_LIMIT_MS = 20_000

/** A task that must end has ten seconds, of which its programs may have used some. */
const CLEAN_UP_LIMIT_MS = 7000

export interface EnvironmentOptions {
  readonly runner: Runner
  readonly projectDirectory: string
  /** What marks the run: `OPS_RUN_ID` and the like. */
  readonly marks: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

/** An environment of the settings, with its target and its commands. */
export class Environment {
  readonly name: string
  readonly settings: EnvironmentSettings
  readonly target: Target
  readonly #options: EnvironmentOptions

  constructor(name: string, settings: EnvironmentSettings, options: EnvironmentOptions) {
    this.name = name
    this.settings = settings
    this.#options = options
    this.target = targetOf(settings, options)
  }

  /**
   * Runs commands of the settings in a release, one after the other.
   *
   * @param folder its number, with `.partial` while it is incomplete
   * @throws TaskError caused by a ProgramError
   */
  async run(commands: readonly string[], folder: string, info: ReleaseInfo): Promise<void> {
    for (const command of commands) {
      this.#options.log(`$ ${command}`)
      try {
        await this.target.command(folder, command, this.#variables(folder, info))
      } catch (error) {
        if (!(error instanceof ProgramError)) throw error
        throw new TaskError(formatFailure(command, error.explanation), { cause: error })
      }
    }
  }

  #variables(folder: string, { build, revision }: ReleaseInfo): Record<string, string> {
    const { OPS_RUN_ID, OPS_TASK } = this.#options.marks
    return {
      ...this.settings.env,
      DEPLOY_ENVIRONMENT: this.name,
      DEPLOY_ROOT: this.target.root,
      DEPLOY_RELEASE: folder.replace('.partial', ''),
      ...(build === undefined ? {} : { DEPLOY_BUILD: String(build) }),
      ...(revision ? { DEPLOY_REVISION: revision } : {}),
      // On another machine nothing else sets them.
      ...(OPS_RUN_ID === undefined ? {} : { OPS_RUN_ID }),
      ...(OPS_TASK === undefined ? {} : { OPS_TASK }),
    }
  }
}

/** The environment of programs on this machine: no secrets of the worker. */
export function localVariables(): Record<string, string> {
  return programEnvironment(['SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR'])
}

function targetOf(
  { path, host, ssh, knownHosts }: EnvironmentSettings,
  { runner, projectDirectory, marks }: EnvironmentOptions,
): Target {
  const env = localVariables()
  const runId = marks.OPS_RUN_ID ?? '0'
  if (host === undefined) return new Target(localShell(runner, env), resolve(projectDirectory, path), runId)
  const file = knownHosts?.startsWith('~/') ? join(env.HOME!, knownHosts.slice(2)) : knownHosts
  const to = { host, options: ssh, knownHosts: file === undefined ? undefined : resolve(projectDirectory, file) }
  return new Target(sshShell(runner, env, to), path.replace(/(?<=.)\/+$/, ''), runId)
}

/** The environment of a task. @throws TaskError when it is unknown */
export function openEnvironment(name: string, context: TaskContext<Settings>): Environment {
  const { settings, env, log, projectDirectory } = context
  const found = findEnvironment(name, settings)
  if (!found) throw new TaskError(explainUnknown(name, settings), { isFinal: true })
  return new Environment(name, found, {
    runner: taskRunner(context),
    projectDirectory,
    marks: env,
    log,
  })
}

/** An environment for a command that only reads. @throws OpsError when it is unknown */
export function readOnlyEnvironment(name: string, settings: Settings, projectDirectory: string): Environment {
  const found = findEnvironment(name, settings)
  if (!found) throw new OpsError('UNKNOWN_ENVIRONMENT', explainUnknown(name, settings), { exit: 2 })
  return new Environment(name, found, {
    runner: standaloneRunner(AbortSignal.timeout(READ_LIMIT_MS)),
    projectDirectory,
    marks: {},
    log: () => {},
  })
}

/**
 * Takes the last steps after a failure. A task that must end (canceled, timed out, shutdown) can start no more programs,
 * so these run outside of it, with a time limit of their own.
 */
export async function cleanUp<T>(
  environment: Environment,
  { signal, log, env, projectDirectory }: TaskContext<Settings>,
  steps: (environment: Environment) => Promise<T>,
): Promise<T> {
  if (!signal.aborted) return steps(environment)
  const runner = standaloneRunner(AbortSignal.timeout(CLEAN_UP_LIMIT_MS), log, env)
  const { name, settings } = environment
  return steps(new Environment(name, settings, { runner, projectDirectory, marks: env, log }))
}

/** Whether the run may still change anything. One that was taken away may not; its reason has no outcome. */
export function isHeld({ aborted, reason }: AbortSignal): boolean {
  return !aborted || (reason as { outcome?: unknown } | undefined)?.outcome !== undefined
}

/** The `environment` of a task to be added: an unknown one is refused before anything is written. */
export function knownEnvironment(settings: Settings) {
  return v.pipe(
    v.string(),
    v.check(
      (name) => findEnvironment(name, settings) !== undefined,
      ({ input }) => explainUnknown(input, settings),
    ),
  )
}

function findEnvironment(name: string, { environments }: Settings): EnvironmentSettings | undefined {
  return Object.hasOwn(environments, name) ? environments[name] : undefined
}

function explainUnknown(name: string, { environments }: Settings): string {
  const sentence = `Unknown environment "${name}".`
  const known = Object.keys(environments)
  if (known.length === 0) return `${sentence} Add it to plugins.deploy.environments of the configuration.`
  const explained = didYouMean(sentence, name, known)
  return explained === sentence ? `${sentence} Expected one of: ${known.join(', ')}` : explained
}
