import { OpsError } from '@ops-cli/core'
import { parseReleases, type ReleaseInfo, type Releases } from './releases.ts'
import { ProgramError } from './runner.ts'
import * as scripts from './scripts.ts'
import type { ScriptOptions, Shell } from './shell.ts'

/** A change of an environment that failed. */
export class TargetError extends OpsError {
  /** Whether it was refused before anything was changed. */
  readonly isRefusal: boolean
  constructor(message: string, { isRefusal = false } = {}) {
    super('ENVIRONMENT_UNUSABLE', message)
    this.isRefusal = isRefusal
  }
}

/**
 * The root directory of an environment, on this machine or over ssh. Every change is made completely or not at all, and
 * none for a run that was superseded by a later one.
 */
export class Target {
  readonly root: string
  readonly #shell: Shell
  readonly #runId: string

  /** @param runId the fence: ids only grow */
  constructor(shell: Shell, root: string, runId: string) {
    this.#shell = shell
    this.root = root
    this.#runId = runId
  }

  /** `/srv/shop`, or `deploy@server:/srv/shop`. */
  get name(): string {
    return this.#shell.host === undefined ? this.root : `${this.#shell.host}:${this.root}`
  }

  /** Lists the releases. An environment that does not exist yet has none. */
  async list(): Promise<Releases> {
    return parseReleases(await this.#script(scripts.listScript, [], { capture: true }))
  }

  /** Takes the environment for this run and removes what killed runs left. */
  async begin(): Promise<Releases> {
    return parseReleases(await this.#script(scripts.beginScript, [], { capture: true }))
  }

  /** Copies an artifact there and unpacks it as an incomplete release. */
  async unpack(number: number, { file, sha256 }: { file: string; sha256: string }): Promise<void> {
    const archive = await this.#shell.upload(file, `${this.root}/releases/${number}.partial.tar.gz`)
    await this.#script(scripts.unpackScript, [String(number), archive, sha256, archive === file ? 'no' : 'yes'])
  }

  async link(number: number, paths: readonly string[]): Promise<void> {
    const args = paths.map(sharedLink).flatMap(({ path, text, isFolder }) => [path, text, isFolder ? 'yes' : 'no'])
    if (args.length > 0) await this.#script(scripts.linkScript, [String(number), ...args])
  }

  /**
   * Runs a command of the settings.
   *
   * @param release its number, with `.partial` while it is incomplete
   * @throws ProgramError
   */
  async command(release: string, command: string, env: Readonly<Record<string, string>>): Promise<void> {
    await this.#script(scripts.commandScript, [`releases/${release}`, command], { env })
  }

  async complete(number: number, info: ReleaseInfo): Promise<void> {
    await this.#script(scripts.completeScript, [String(number), JSON.stringify(info)])
  }

  /** Switches `current` atomically; undefined removes it. */
  async switch(number: number | undefined): Promise<void> {
    await this.#script(scripts.switchScript, [number === undefined ? '' : String(number)])
  }

  async markSucceeded(number: number, at: Date): Promise<void> {
    await this.#script(scripts.markScript, [String(number), 'succeeded', at.toISOString()])
  }

  async markWithdrawn(number: number, why: string): Promise<void> {
    await this.#script(scripts.markScript, [String(number), 'withdrawn', why.replaceAll(/\s+/g, ' ').slice(0, 500)])
  }

  /** @param names numbers, or `8.partial` for an incomplete release */
  async remove(names: readonly (number | string)[]): Promise<void> {
    if (names.length > 0) await this.#script(scripts.removeScript, names.map(String))
  }

  async #script(script: string, args: readonly string[], options: ScriptOptions = {}): Promise<string> {
    try {
      return await this.#shell.run(script, [this.root, this.#runId, ...args], options)
    } catch (error) {
      if (!(error instanceof ProgramError) || script === scripts.commandScript) throw error
      if (error.exitCode === scripts.REFUSED)
        throw new TargetError(error.lines.at(-1) ?? 'a script failed without a message', { isRefusal: true })
      const complaints = error.lines.length > 0 ? error.lines.join(' | ') : error.message
      throw new TargetError(`cannot change ${this.name}: ${complaints}`)
    }
  }
}

/** A symbolic link in a release to a path that all releases share. */
export interface SharedLink {
  /** Without the slash at its end. */
  readonly path: string
  /** The target of the link: relative, so that the root can be moved. */
  readonly text: string
  readonly isFolder: boolean
}

/** @param written as in the settings: `uploads/` is a folder, `.env` must exist */
export function sharedLink(written: string): SharedLink {
  const path = written.replace(/\/$/, '')
  // From the folder of the link up to the release, to `releases`, to the root.
  const up = '../'.repeat(path.split('/').length + 1)
  return { path, text: `${up}shared/${path}`, isFolder: written !== path }
}
