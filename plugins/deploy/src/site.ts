import { join, resolve } from 'node:path'
import { baseEnvironment } from './environment-variables.ts'
import { CommandFailedError, ProgramError } from './errors.ts'
import type { About } from './releases.ts'
import type { Runner } from './runner.ts'
import type { Environment } from './settings.ts'
import { localShell, sshShell } from './shell.ts'
import { Target } from './target.ts'

export interface SiteOptions {
  readonly runner: Runner
  /** The folder of the project. */
  readonly project: string
  /** What marks the run: `OPS_RUN_ID` and the like. */
  readonly marks: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

/** An environment of the settings, within reach. */
export class Site {
  readonly name: string
  readonly settings: Environment
  readonly target: Target
  readonly #options: SiteOptions

  constructor(name: string, settings: Environment, options: SiteOptions) {
    this.name = name
    this.settings = settings
    this.#options = options
    this.target = targetOf(settings, options)
  }

  /**
   * Runs commands of the settings in a release, one after the other.
   *
   * @param folder its number, with `.partial` as long as it is not complete
   * @throws CommandFailedError
   */
  async run(commands: readonly string[], folder: string, about: About): Promise<void> {
    for (const command of commands) {
      this.#options.log(`$ ${command}`)
      try {
        await this.target.command(folder, command, this.#variables(folder, about))
      } catch (error) {
        if (error instanceof ProgramError) throw new CommandFailedError(command, error)
        throw error
      }
    }
  }

  #variables(folder: string, { build, revision }: About): Record<string, string> {
    const { OPS_RUN_ID, OPS_TASK } = this.#options.marks
    return {
      ...this.settings.env,
      DEPLOY_ENVIRONMENT: this.name,
      DEPLOY_ROOT: this.target.root,
      DEPLOY_RELEASE: folder.replace('.partial', ''),
      ...(build === undefined ? {} : { DEPLOY_BUILD: String(build) }),
      ...(revision ? { DEPLOY_REVISION: revision } : {}),
      // On another machine nobody else adds them.
      ...(OPS_RUN_ID === undefined ? {} : { OPS_RUN_ID }),
      ...(OPS_TASK === undefined ? {} : { OPS_TASK }),
    }
  }
}

function targetOf({ path, host, ssh, knownHosts }: Environment, { runner, project, marks }: SiteOptions): Target {
  const env = baseEnvironment(process.env)
  const runId = marks.OPS_RUN_ID ?? '0'
  if (host === undefined) return new Target(localShell(runner, env), resolve(project, path), runId)
  const to = { host, options: ssh, knownHosts: knownHosts === undefined ? undefined : fromHome(knownHosts, project) }
  return new Target(sshShell(runner, env, to), path.replace(/(?<=.)\/+$/, ''), runId)
}

function fromHome(path: string, project: string): string {
  return path.startsWith('~/') ? join(baseEnvironment(process.env).HOME!, path.slice(2)) : resolve(project, path)
}
